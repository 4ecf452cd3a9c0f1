package configs

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/internal/vfs/memfs"
)

// memDisk is a disk of a file system in memory.
type memDisk struct{ *memfs.FS }

func (d memDisk) Create(name string) (diskFile, error) {
	f, err := d.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = d.FS.Create(name)
	}
	if err == nil {
		err = f.Truncate(0)
	}
	return &memFile{File: f}, err
}

// memFile is written from its beginning to its end.
type memFile struct {
	vfs.File
	at int64
}

func (f *memFile) Write(b []byte) (int, error) {
	n, err := f.WriteAt(b, f.at)
	f.at += int64(n)
	return n, err
}

// content is what a file holds, "" if it is not there.
func content(t *testing.T, d vfs.FS, name string) string {
	t.Helper()
	b, err := vfs.ReadFile(d, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}

// overlayText is an overlay with some entries.
func overlayText(t *testing.T, clients string) string {
	t.Helper()
	o := overlay{}
	for _, path := range []string{"server.maxclients", "server.auth.password", "keyspace.maxmemory"} {
		o = o.with(theTable().leaf(path), clients, Default(), fixedTime, "default")
	}
	b, err := o.text()
	mustDo(t, err)
	return string(b) + "# " + strings.Repeat("x", 2000) + "\n" // more than a sector
}

// TestRewriteSurvives: whatever fails at any step of CONFIG REWRITE, the power too, the overlay is the old one or the new
// one afterwards, and the new one once REWRITE has succeeded; and it can be written again.
func TestRewriteSurvives(t *testing.T) {
	const dir, file = "data", "data/" + OverlayName
	old, next, last := overlayText(t, "1"), overlayText(t, "22"), overlayText(t, "333")
	for name, fault := range map[string]memfs.Fault{"power": memfs.Cut, "error": memfs.EIO, "room": memfs.NoRoom, "half": {Err: memfs.NoRoom.Err, Short: 700}} {
		for _, had := range []string{old, ""} {
			for step := 1; ; step++ {
				completed := false
				for seed := range uint64(20) {
					at := fmt.Sprintf("%s at step %d, seed %d", name, step, seed)
					d := memDisk{memfs.New(seed)}
					mustDo(t, d.MkdirAll(dir))
					if had != "" {
						mustDo(t, replaceFile(d, file, []byte(had)))
					}
					before := d.Ops()
					d.SetPlan(memfs.Plan{At: map[int]memfs.Fault{step: fault}})
					err := replaceFile(d, file, []byte(next))
					completed = err == nil && d.Ops()-before < step
					if !errors.Is(err, memfs.ErrOff) {
						is := content(t, d.FS, file)
						if is != next && (err == nil || is != had) {
							t.Errorf("%s: %v, then %d bytes", at, err, len(is))
						}
						if left := content(t, d.FS, file+".new"); left != "" {
							t.Errorf("%s: %d bytes are left behind", at, len(left))
						}
					}
					after := memDisk{d.Crash(rand.New(rand.NewPCG(seed, 1)))}
					if is := content(t, after.FS, file); is != next && (err == nil || is != had) {
						t.Errorf("%s: after %v and a crash there are %d bytes", at, err, len(is))
					}
					if err := replaceFile(after, file, []byte(last)); err != nil || content(t, after.FS, file) != last {
						t.Errorf("%s: cannot be written again: %v", at, err)
					}
				}
				if completed {
					if step < 6 {
						t.Errorf("only %d steps", step)
					}
					break
				}
			}
		}
	}
	here(t, OverlayName, next)
	if o, problems := readOverlay(OverlayName); len(problems) > 0 || len(o) != 3 {
		t.Errorf("%v, %v", o, problems)
	}
}
