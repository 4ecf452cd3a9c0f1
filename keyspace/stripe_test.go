package keyspace

import (
	"reflect"
	"strings"
	"testing"
)

// TestStripeLines: what a reading command needs of a stripe lies on two cache lines, which no
// other stripe has a part of.
func TestStripeLines(t *testing.T) {
	const line = 64
	if n := reflect.TypeFor[stripe]().Size(); n%line != 0 {
		t.Errorf("a stripe has %d bytes", n)
	}
	for path, want := range map[string]uintptr{
		"mu": 0, "dbs": 0, "tables": 0, "hits": 0, "public.used": 0,
		"interests.on": 1,
		"due.debt":     2, "arena.used": 2, "arena.moved": 2, "arena.mem": 2,
	} {
		at, typ := uintptr(0), reflect.TypeFor[stripe]()
		for name := range strings.SplitSeq(path, ".") {
			f, _ := typ.FieldByName(name)
			at, typ = at+f.Offset, f.Type
		}
		if at/line != want {
			t.Errorf("%s is at %d", path, at)
		}
	}
}
