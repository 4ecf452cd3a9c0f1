package wal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"io"
	"slices"

	"github.com/reredis/reredis/internal/vfs"
)

// The file MANIFEST is text, so that one can look into it: a first line with the version, the manifest as JSON,
// and a last line with the CRC-32C of all before it.
const (
	manifestName = "MANIFEST"
	manifestHead = "reredis manifest 1\n"
	manifestTail = "crc32c "
	rootDir      = "."
)

// manifest is what a data directory knows beyond what its segments say. It is replaced as a whole.
type manifest struct {
	// First is the first LSN that the log must have; entries before it may be gone.
	First LSN `json:"first"`
	// Proven is durable for certain: it is noted at every edit. A log that ends before it is corrupt.
	Proven LSN `json:"proven"`
	// CleanEnd is the last LSN of a log that was closed, 0 while it is open or after a crash.
	CleanEnd LSN `json:"clean_end"`
	// Cuts end segments before the end of their bytes, oldest first.
	Cuts []cut `json:"cuts"`
	// Epochs is the table of epochs, oldest first.
	Epochs []epochStart `json:"epochs"`
	// Snapshots are the published ones, oldest first.
	Snapshots []SnapInfo `json:"snapshots"`
	// Base is the newest snapshot that was made while the log was off: nothing before it, and no log, stands in for it.
	Base SnapID `json:"base,omitempty"`
	// Off says that there is no log at present; nil: there is.
	Off *logOff `json:"off,omitempty"`
}

// logOff is where a log ended that was turned off. The data on disk is that after its last entry, until a snapshot
// takes its place.
type logOff struct {
	Last LSN `json:"last"`
	// Spool is the first id of segments that are no part of the log: they hold what changed while a snapshot was made.
	Spool uint32 `json:"spool"`
}

// cut says that what segments with an id below Below hold behind the LSN After is no part of
// the log: their file failed to sync, or the entries were taken back.
type cut struct {
	After LSN    `json:"after"`
	Below uint32 `json:"below"`
}

// epochStart is the first LSN of an epoch.
type epochStart struct {
	Epoch uint64 `json:"epoch"`
	First LSN    `json:"first"`
}

func (m *manifest) clone() *manifest {
	c := *m
	c.Cuts, c.Epochs, c.Snapshots = slices.Clone(m.Cuts), slices.Clone(m.Epochs), slices.Clone(m.Snapshots)
	if m.Off != nil {
		off := *m.Off
		c.Off = &off
	}
	return &c
}

// snapshotEnd is the last LSN that the newest snapshot holds, 0 if there is none.
func (m *manifest) snapshotEnd() (last LSN) {
	if n := len(m.Snapshots); n > 0 {
		last = m.Snapshots[n-1].MaxL
	}
	return last
}

func (m *manifest) encode() ([]byte, error) {
	body, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	b := append([]byte(manifestHead), body...)
	return sealManifest(append(b, '\n')), nil
}

func sealManifest(b []byte) []byte {
	return fmt.Appendf(b, "%s%08x\n", manifestTail, crc32.Checksum(b, castagnoli))
}

func decodeManifest(b []byte) (*manifest, error) {
	cutAt := bytes.LastIndex(b, []byte(manifestTail))
	if cutAt < 0 || !bytes.Equal(sealManifest(slices.Clone(b[:cutAt])), b) {
		return nil, fmt.Errorf("%w: the checksum of the %s is wrong", ErrCorrupt, manifestName)
	}
	body, ok := bytes.CutPrefix(b[:cutAt], []byte(manifestHead))
	if !ok {
		line, _, _ := bytes.Cut(b, []byte("\n"))
		return nil, fmt.Errorf("wal: the %s is a %q; this program reads %q", manifestName, line, manifestHead[:len(manifestHead)-1])
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	m := new(manifest)
	if err := d.Decode(m); err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, manifestName, err)
	}
	return m, nil
}

// readManifest returns fs.ErrNotExist if there is none.
func readManifest(fsys vfs.FS) (*manifest, error) {
	b, err := vfs.ReadFile(fsys, manifestName)
	if err != nil {
		return nil, err
	}
	return decodeManifest(b)
}

// writeManifest replaces the manifest; it is durable when nil is returned. After an error the
// old one or the new one is there.
func writeManifest(fsys vfs.FS, m *manifest) error {
	b, err := m.encode()
	if err != nil {
		return err
	}
	return vfs.Replace(fsys, manifestName, b)
}

// editManifest changes the manifest: edit is given a copy of the present one, which then
// replaces it, durably. After an error either may be in the directory: what the new one names must stay until the
// next edit has succeeded. Any goroutine may call it while the backend is open. edit must not call it.
func (b *FileBackend) editManifest(edit func(*manifest)) error {
	b.manifestMu.Lock()
	defer b.manifestMu.Unlock()
	m := b.manifest.clone()
	m.Proven = max(m.Proven, b.durableMark())
	edit(m)
	if m.Off != nil { // what was appended since is no part of the log
		m.Proven, m.CleanEnd = min(m.Proven, m.Off.Last), min(m.CleanEnd, m.Off.Last)
	}
	err := writeManifest(b.fs, m)
	b.unsure = err != nil
	if err != nil {
		return fmt.Errorf("wal: writing the %s: %w", manifestName, err)
	}
	b.manifest = m
	return nil
}

// readFull fills b from off.
func readFull(f io.ReaderAt, b []byte, off int64) error {
	if n, err := f.ReadAt(b, off); n < len(b) {
		return err
	}
	return nil
}
