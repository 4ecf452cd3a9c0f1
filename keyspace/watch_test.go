package keyspace

import (
	"strconv"
	"testing"
)

// TestMarksAreSweptK13: marks that nobody holds any more do not pile up, and those that are held stay.
func TestMarksAreSweptK13(t *testing.T) {
	s := newSpace(t, Options{Stripes: 4})
	tx := s.NewTx()
	watch := func(key string) *Mark {
		t.Helper()
		if !tx.LockKey([]byte(key)) {
			t.Fatal("no lock")
		}
		defer tx.Unlock()
		return tx.Watch([]byte(key))
	}
	kept := watch("kept")
	for i := range 20_000 {
		watch(strconv.Itoa(i)).Drop()
	}
	n := 0
	for i := range s.stripes {
		n += len(s.stripes[i].interests.marks)
	}
	if n > (sweepMarks+1)*len(s.stripes) {
		t.Errorf("%d marks are kept", n)
	}
	if !tx.LockKey([]byte("kept")) {
		t.Fatal("no lock")
	}
	if err := tx.SetBytes([]byte("kept"), []byte("1"), NoTTL); err != nil {
		t.Fatal(err)
	}
	if !tx.Changed(kept) {
		t.Error("a mark was lost")
	}
	tx.Unlock()
}

// TestOnChanged: the hook sees every change once it is set, and none after it is gone.
func TestOnChanged(t *testing.T) {
	s := newSpace(t, Options{Stripes: 4})
	tx := s.NewTx()
	set := func() {
		t.Helper()
		if !tx.LockKey([]byte("k")) {
			t.Fatal("no lock")
		}
		defer tx.Unlock()
		if err := tx.SetBytes([]byte("k"), []byte("1"), NoTTL); err != nil {
			t.Fatal(err)
		}
	}
	var seen []string
	s.OnChanged(func(_ *Tx, db int, key []byte) { seen = append(seen, strconv.Itoa(db)+string(key)) })
	set()
	if !tx.Exclusive(tx.FlushDB) {
		t.Fatal("no phase")
	}
	s.OnChanged(nil)
	set()
	if len(seen) != 2 || seen[0] != "0k" || seen[1] != "0" {
		t.Errorf("%q", seen)
	}
}
