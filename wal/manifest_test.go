package wal

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/reredis/reredis/internal/vfs/memfs"
)

func fullManifest() *manifest {
	return &manifest{
		First: 3, Proven: 1<<64 - 1, CleanEnd: 9, Cuts: []cut{{4, 2}}, Epochs: []epochStart{{1, 5}},
		Snapshots: []SnapInfo{{ID: 1, MinL: 2, MaxL: 3, Keys: 4, Bytes: 5, Millis: 6}},
	}
}

func TestManifestRoundTrip(t *testing.T) {
	for _, m := range []*manifest{{}, fullManifest()} {
		b, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeManifest(b)
		if err != nil || !reflect.DeepEqual(got, m) {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// TestManifestFlips: W7. No bit of the manifest can change without being seen, nor can its end be missing.
func TestManifestFlips(t *testing.T) {
	whole, err := fullManifest().encode()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 8 * len(whole) {
		b := slices.Clone(whole)
		b[i/8] ^= 1 << (i % 8)
		if _, err := decodeManifest(b); err == nil {
			t.Fatalf("bit %d of byte %d: %q", i%8, i/8, b)
		}
	}
	for n := range whole {
		if _, err := decodeManifest(whole[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("%d bytes: %v", n, err)
		}
	}
}

func TestManifestOfAnotherVersion(t *testing.T) {
	_, err := decodeManifest(sealManifest([]byte("reredis manifest 2\n{}\n")))
	if err == nil || errors.Is(err, ErrCorrupt) {
		t.Error(err)
	}
}

// TestEditManifestIsAtomic cuts the power, or fails, at every operation of an edit.
func TestEditManifestIsAtomic(t *testing.T) {
	for seed := range uint64(50) {
		for at := 1; ; at++ {
			f := memfs.New(seed)
			if err := writeManifest(f, &manifest{First: 1}); err != nil {
				t.Fatal(err)
			}
			b := &FileBackend{fs: f, manifest: &manifest{First: 1}}
			edit := func() error { return b.editManifest(func(m *manifest) { m.First = 2 }) }
			fault := []memfs.Fault{memfs.Cut, memfs.EIO, memfs.NoRoom}[seed%3]
			f.SetPlan(memfs.Plan{At: map[int]memfs.Fault{at: fault}})
			err := edit()
			done := f.Ops() < at // the fault was not met
			if err != nil && !fault.Off && seed%2 == 0 {
				if err = edit(); err != nil {
					t.Fatal(err)
				}
			}
			m, readErr := readManifest(f.Crash(rand.New(rand.NewPCG(seed, uint64(at)))))
			if readErr != nil {
				t.Fatalf("seed %d, operation %d: %v", seed, at, readErr)
			}
			if m.First != 2 && (err == nil || m.First != 1) {
				t.Fatalf("seed %d, operation %d: error %v, then First %d", seed, at, err, m.First)
			}
			if done {
				break
			}
		}
	}
}

func TestReadManifestMissing(t *testing.T) {
	if _, err := readManifest(memfs.New(1)); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
