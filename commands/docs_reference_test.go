package commands_test

import (
	"bytes"
	"flag"
	"os"
	"testing"

	"github.com/reredis/reredis/commands"
)

var update = flag.Bool("update", false, "write the generated reference")

// TestReference holds docs/reference/commands.md to the Specs.
func TestReference(t *testing.T) {
	const file = "../docs/reference/commands.md"
	want := commands.Reference(newRig(t).bus.Specs())
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: go test ./commands -run Reference -update", file)
	}
}
