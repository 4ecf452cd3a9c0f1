package wal

import (
	"bufio"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/reredis/reredis/internal/vfs"
)

// A snapshot file is a header of 4096 bytes, of which the first 76 are used, then frames as in
// snap.go, then a footer of 40 bytes, little endian:
//
//	0       8         12  16   24      32     40         56           64 .. 72    72
//	| magic | version | 0 | id | epoch | minL | hash key | created ms | 0         | crc |
//	| 8 B   | u32     |u32| u64| u64   | u64  | 16 B     | u64        | u64       | u32 |
//
//	| magic u32 | crc u32 | frames u64 | keys u64 | maxL u64 | size of the file u64 |
//
// The first crc is CRC-32C of the bytes before it, the second of the bytes behind it, started from the id. A file is
// written under a temporary name.
const (
	snapFileMagic    = "RRSNAPSH"
	snapFileVersion  = 1
	snapFileHeader   = 4096
	snapFileUsed     = 72
	snapFooterMagic  = 0x7a767252 // "Rrvz"
	snapFooterSize   = 40
	snapTempSuffix   = ".tmp"
	snapWriteBuffer  = 1 << 20
	snapSyncEvery    = 8 << 20 // bytes, so that no sync is long
	snapReadBuffer   = 1 << 20
	snapIDDigits     = 16
	snapIDBase       = 16
	snapNameTemplate = "%s/%016x%s"
)

func snapName(id SnapID) string {
	return fmt.Sprintf(snapNameTemplate, snapDir, uint64(id), snapSuffix)
}

// parseSnapName is the inverse of snapName for a name without its directory.
func parseSnapName(name string) (SnapID, bool) {
	digits, ok := strings.CutSuffix(name, snapSuffix)
	if !ok || len(digits) != snapIDDigits {
		return 0, false
	}
	id, err := strconv.ParseUint(digits, snapIDBase, 64)
	return SnapID(id), err == nil
}

func (h *SnapHeader) encode() []byte {
	b := make([]byte, snapFileHeader)
	copy(b, snapFileMagic)
	le.PutUint32(b[8:], snapFileVersion)
	le.PutUint64(b[16:], uint64(h.ID))
	le.PutUint64(b[24:], h.Epoch)
	le.PutUint64(b[32:], uint64(h.MinL))
	copy(b[40:56], h.HashKey[:])
	le.PutUint64(b[56:], uint64(h.Millis))
	le.PutUint32(b[snapFileUsed:], crc32.Checksum(b[:snapFileUsed], castagnoli))
	return b
}

func decodeSnapHeader(b []byte) (h SnapHeader, err error) {
	switch {
	case string(b[:8]) != snapFileMagic:
		return h, fmt.Errorf("%w: no header of a snapshot", ErrCorrupt)
	case le.Uint32(b[snapFileUsed:]) != crc32.Checksum(b[:snapFileUsed], castagnoli):
		return h, fmt.Errorf("%w: the checksum of the header is wrong", ErrCorrupt)
	case le.Uint32(b[8:]) != snapFileVersion:
		return h, fmt.Errorf("wal: snapshot of version %d; this program reads version %d", le.Uint32(b[8:]), snapFileVersion)
	}
	h = SnapHeader{
		ID: SnapID(le.Uint64(b[16:])), Epoch: le.Uint64(b[24:]), MinL: LSN(le.Uint64(b[32:])), Millis: int64(le.Uint64(b[56:])),
	}
	copy(h.HashKey[:], b[40:56])
	for _, c := range b[snapFileUsed+4:] {
		if c != 0 {
			return h, fmt.Errorf("%w: bytes behind the header", ErrCorrupt)
		}
	}
	return h, nil
}

func (f *SnapFooter) encode(id SnapID, size int64) []byte {
	b := make([]byte, snapFooterSize)
	le.PutUint32(b, snapFooterMagic)
	le.PutUint64(b[8:], uint64(f.Frames))
	le.PutUint64(b[16:], uint64(f.Keys))
	le.PutUint64(b[24:], uint64(f.MaxL))
	le.PutUint64(b[32:], uint64(size))
	le.PutUint32(b[4:], footerCRC(b, id))
	return b
}

// footerCRC covers what a frame's does not: its own magic is checked by itself.
func footerCRC(b []byte, id SnapID) uint32 {
	var s [8]byte
	le.PutUint64(s[:], uint64(id))
	return crc32.Update(crc32.Checksum(s[:], castagnoli), castagnoli, b[8:])
}

func decodeSnapFooter(b []byte, id SnapID, size int64) (f SnapFooter, err error) {
	if le.Uint32(b) != snapFooterMagic || le.Uint32(b[4:]) != footerCRC(b, id) || int64(le.Uint64(b[32:])) != size {
		return f, fmt.Errorf("%w: no footer of the snapshot", ErrCorrupt)
	}
	return SnapFooter{
		Frames: int64(le.Uint64(b[8:])), Keys: int64(le.Uint64(b[16:])), MaxL: LSN(le.Uint64(b[24:])),
	}, nil
}

// NewSnapshot begins a snapshot in a file with a temporary name. h.ID must be larger than that of any
// other snapshot that was ever begun.
func (b *FileBackend) NewSnapshot(h SnapHeader) (SnapWriter, error) {
	w := &snapWriter{b: b, h: h, name: snapName(h.ID)}
	f, err := b.fs.Create(w.name + snapTempSuffix)
	if err != nil {
		return nil, fmt.Errorf("wal: a new snapshot: %w", err)
	}
	w.file = f
	w.buf = h.encode()
	return w, nil
}

// snapWriter writes a snapshot file. After an error only Abort is of use (W8).
type snapWriter struct {
	b      *FileBackend
	h      SnapHeader
	name   string
	file   vfs.File
	buf    []byte
	off    int64 // where buf goes
	synced int64
	err    error
	done   bool
}

// Chunk writes a frame, and syncs now and then.
func (w *snapWriter) Chunk(b []byte) error {
	if w.err == nil && len(w.buf)+len(b) > snapWriteBuffer {
		w.err = w.flush()
	}
	if w.err == nil && len(b) > snapWriteBuffer {
		w.err = w.write(b)
	} else if w.err == nil {
		w.buf = append(w.buf, b...)
	}
	if w.err != nil {
		return fmt.Errorf("wal: writing %s: %w", w.name, w.err)
	}
	return nil
}

func (w *snapWriter) flush() error {
	b := w.buf
	w.buf = w.buf[:0]
	return w.write(b)
}

func (w *snapWriter) write(b []byte) error {
	if _, err := w.file.WriteAt(b, w.off); err != nil {
		return err
	}
	if w.off += int64(len(b)); w.off-w.synced >= snapSyncEvery {
		w.synced = w.off
		return w.file.Sync()
	}
	return nil
}

// Publish makes the file durable under its name, and then the MANIFEST name it. After an error it may be
// known all the same, if the MANIFEST is not certain; then its file stays.
func (w *snapWriter) Publish(f SnapFooter) error {
	size := w.off + int64(len(w.buf)) + snapFooterSize
	w.buf = append(w.buf, f.encode(w.h.ID, size)...)
	if w.err == nil {
		w.err = w.flush()
	}
	if w.err == nil {
		w.err = w.file.Sync()
	}
	if w.err == nil {
		w.err = w.b.fs.Rename(w.name+snapTempSuffix, w.name)
	}
	if w.err == nil {
		w.err = w.b.fs.SyncDir(snapDir)
	}
	if w.err != nil {
		return fmt.Errorf("wal: writing %s: %w", w.name, w.err)
	}
	w.done = true
	err := w.b.publishSnapshot(SnapInfo{
		ID: w.h.ID, MinL: w.h.MinL, MaxL: f.MaxL, Keys: f.Keys, Bytes: size, Millis: w.h.Millis,
	})
	return errors.Join(err, w.file.Close())
}

// Abort ends it and removes the file. After Publish it does nothing.
func (w *snapWriter) Abort() error {
	if w.done {
		return nil
	}
	w.done = true
	err := w.file.Close()
	return errors.Join(err, w.b.removeIfThere(w.name+snapTempSuffix), w.b.removeIfThere(w.name))
}

func (b *FileBackend) removeIfThere(name string) error {
	if err := b.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// OpenSnapshot opens a snapshot for reading and checks its header. Frames are given back as they were written: it is the
// reader that checks them.
func (b *FileBackend) OpenSnapshot(id SnapID) (SnapReader, error) {
	name := snapName(id)
	f, err := b.fs.Open(name)
	if err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	r, err := newSnapReader(f, name)
	if err == nil && r.header.ID != id {
		err = fmt.Errorf("%w: %s holds snapshot %d", ErrCorrupt, name, r.header.ID)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return r, nil
}

// snapReader reads a snapshot file.
type snapReader struct {
	name   string
	file   vfs.File
	in     *bufio.Reader
	header SnapHeader
	footer SnapFooter
	size   int64
	off    int64 // of what in gives next
	frames int64
}

func newSnapReader(f vfs.File, name string) (*snapReader, error) {
	size, err := f.Size()
	if err != nil {
		return nil, fmt.Errorf("wal: %w", err)
	}
	r := &snapReader{name: name, file: f, size: size, off: snapFileHeader}
	if size < snapFileHeader+snapFooterSize {
		return nil, fmt.Errorf("%w: %s has %d bytes", ErrCorrupt, name, size)
	}
	r.in = bufio.NewReaderSize(io.NewSectionReader(f, 0, size), int(min(size, snapReadBuffer)))
	head := make([]byte, snapFileHeader)
	if _, err := io.ReadFull(r.in, head); err != nil {
		return nil, fmt.Errorf("wal: %s: %w", name, err)
	}
	if r.header, err = decodeSnapHeader(head); err != nil {
		return nil, fmt.Errorf("wal: %s, offset 0: %w", name, err)
	}
	return r, nil
}

// place names a place in the file.
func (r *snapReader) place(off int64) string { return fmt.Sprintf("%s, offset %d", r.name, off) }

// Header returns what the file begins with.
func (r *snapReader) Header() SnapHeader { return r.header }

// Footer returns what it ends with.
func (r *snapReader) Footer() SnapFooter { return r.footer }

// Next returns the next frame.
func (r *snapReader) Next(buf []byte) ([]byte, error) {
	if r.off == r.size-snapFooterSize {
		return nil, r.end()
	}
	head, err := r.in.Peek(snapHeader)
	if err != nil {
		return nil, fmt.Errorf("wal: %s: %w", r.name, err)
	}
	n := snapFrameSize(head)
	if n == 0 || n > r.size-snapFooterSize-r.off {
		return nil, fmt.Errorf("%w: %s has no frame at offset %d", ErrCorrupt, r.name, r.off)
	}
	b := slices.Grow(buf[:0], int(n))[:n]
	if _, err := io.ReadFull(r.in, b); err != nil {
		return nil, fmt.Errorf("wal: %s: %w", r.name, err)
	}
	r.off += n
	r.frames++
	return b, nil
}

// end reads the footer.
func (r *snapReader) end() error {
	b := make([]byte, snapFooterSize)
	if _, err := io.ReadFull(r.in, b); err != nil {
		return fmt.Errorf("wal: %s: %w", r.name, err)
	}
	f, err := decodeSnapFooter(b, r.header.ID, r.size)
	if err == nil && f.Frames != r.frames {
		err = fmt.Errorf("%w: %d frames, not %d", ErrCorrupt, r.frames, f.Frames)
	}
	if err != nil {
		return fmt.Errorf("wal: %s, offset %d: %w", r.name, r.off, err)
	}
	r.footer = f
	return io.EOF
}

// Close ends it.
func (r *snapReader) Close() error { return r.file.Close() }

// DropSnapshot forgets a snapshot and removes its file. The one without which the log could not be read stays.
func (b *FileBackend) DropSnapshot(id SnapID) error {
	b.manifestMu.Lock()
	m := b.manifest
	b.manifestMu.Unlock()
	stays := func(s SnapInfo) bool { return s.ID != id && s.ID >= m.Base && s.MaxL+1 >= m.First }
	if (m.First > 1 || m.Base > 0) && !slices.ContainsFunc(m.Snapshots, stays) {
		return fmt.Errorf("wal: the log needs snapshot %d", id)
	}
	if err := b.editManifest(func(m *manifest) {
		m.Snapshots = slices.DeleteFunc(m.Snapshots, func(s SnapInfo) bool { return s.ID == id })
	}); err != nil {
		return err
	}
	if err := b.removeIfThere(snapName(id)); err != nil {
		return fmt.Errorf("wal: dropping a snapshot: %w", err)
	}
	return nil
}

// sweepSnapshots removes the files of snapshots that the MANIFEST does not name. Open calls it.
func (b *FileBackend) sweepSnapshots() error {
	names, err := b.fs.List(snapDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		id, ok := parseSnapName(strings.TrimSuffix(name, snapTempSuffix))
		known := !strings.HasSuffix(name, snapTempSuffix) &&
			slices.ContainsFunc(b.manifest.Snapshots, func(s SnapInfo) bool { return s.ID == id })
		if !ok || known {
			continue
		}
		if err := b.removeIfThere(snapDir + "/" + name); err != nil {
			return err
		}
	}
	return nil
}
