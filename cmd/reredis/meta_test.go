package main

import (
	"errors"
	"sync"
	"testing"

	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/internal/vfs/memfs"
)

// TestMetaIsMadeOnce: processes that begin in an empty directory at the same time either see that it is taken or get
// the key that stays there.
func TestMetaIsMadeOnce(t *testing.T) {
	for seed := range uint64(50) {
		dir := memfs.New(seed)
		var keys [4][16]byte
		var errs [4]error
		var all sync.WaitGroup
		for i := range keys {
			all.Go(func() { keys[i], errs[i] = openMeta(dir, 16) })
		}
		all.Wait()
		want, err := openMeta(dir, 16)
		if err != nil {
			t.Fatal(err)
		}
		for i, err := range errs {
			var locked *vfs.LockedError
			if err == nil && keys[i] != want || err != nil && !errors.As(err, &locked) {
				t.Errorf("%x, not %x: %v", keys[i], want, err)
			}
		}
	}
	dir := memfs.New(1)
	if _, err := openMeta(dir, 16); err != nil {
		t.Fatal(err)
	}
	if _, err := openMeta(dir, 8); err == nil {
		t.Error("the number of databases may change")
	}
	if b, err := vfs.ReadFile(dir, metaName); err != nil || vfs.Replace(dir, metaName, b[1:]) != nil {
		t.Fatal(err)
	}
	if _, err := openMeta(dir, 16); err == nil {
		t.Error("a damaged META is read")
	}
}
