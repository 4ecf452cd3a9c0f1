package configs

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// BenchmarkLoad is a start with the complete example.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load([]string{"--config", "reredis.yaml", "--port", "7001"}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCurrent is what a reader pays.
func BenchmarkCurrent(b *testing.B) {
	s, err := Load(nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if s.Current().Server.Port == 0 {
			b.Fatal("no port")
		}
	}
}

// BenchmarkGetAll is CONFIG GET *.
func BenchmarkGetAll(b *testing.B) {
	s, err := Load(nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.Get([]string{"*"})
	}
}

// BenchmarkCheck is "config check" of files of a thousand lines: good ones, and one with a mistake on each line.
func BenchmarkCheck(b *testing.B) {
	b.Chdir(b.TempDir())
	var good, bad, conf bytes.Buffer
	var lines []line
	c := Default()
	for _, p := range leaves() {
		lines = append(lines, line{p: p, value: p.native(c), above: p.Doc + strings.Repeat("\nand so on", 3)})
		fmt.Fprintf(&conf, "%s %s\n", p.Path, quote(p.text(c)))
	}
	if err := writeYAML(&good, lines); err != nil {
		b.Fatal(err)
	}
	fmt.Fprintln(&bad, "server:")
	for i := range 1000 {
		fmt.Fprintf(&good, "# line %d\n", i)
		fmt.Fprintf(&bad, "  maxclient%d: 1\n", i)
		fmt.Fprintf(&conf, "maxmemory %dmb\n", i)
	}
	for name, file := range map[string]string{"a.yaml": good.String(), "bad.yaml": bad.String(), "a.conf": conf.String()} {
		text := strings.Join(strings.SplitAfterN(file, "\n", 1001)[:1000], "")
		if err := writeFile(osDisk{}, name, []byte(text)); err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if status := mainWith([]string{"check", name}, nil, io.Discard, io.Discard); (status == exitGood) != (name != "bad.yaml") {
					b.Fatal("status", status)
				}
			}
		})
	}
}
