package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"

	"github.com/reredis/reredis/internal/vfs"
)

// META holds what is fixed with the data: a line of JSON and a line with its CRC-32C. It is written once, before
// anything else is, under a name that makes it whole or absent.
const (
	metaName = "META"
	metaTemp = "META.tmp"
)

// meta is what a data directory was made with.
type meta struct {
	Format    int    `json:"format"`
	HashKey   string `json:"hash_key"` // of the keyspace, hex: the order of SCAN and of snapshots
	Databases int    `json:"databases"`
}

const metaFormat = 1

// openMeta returns the hash key of the data directory, which gets META if it has none yet.
func openMeta(dir vfs.FS, databases int) (key [16]byte, err error) {
	if err := dir.MkdirAll("."); err != nil {
		return key, fmt.Errorf("making the data directory: %w", err)
	}
	m, err := readMeta(dir)
	if errors.Is(err, fs.ErrNotExist) {
		key = randomKey()
		m = meta{Format: metaFormat, HashKey: hex.EncodeToString(key[:]), Databases: databases}
		if err := writeMeta(dir, m); err != nil {
			return key, fmt.Errorf("writing %s: %w", metaName, err)
		}
		m, err = readMeta(dir) // another process may have been faster
	}
	if err != nil {
		return key, err
	}
	switch b, err := hex.DecodeString(m.HashKey); {
	case m.Format != metaFormat:
		return key, fmt.Errorf("%s has format %d; this program knows format %d", metaName, m.Format, metaFormat)
	case err != nil || len(b) != len(key):
		return key, fmt.Errorf("%s is damaged: its hash key is %q", metaName, m.HashKey)
	case m.Databases != databases:
		return key, fmt.Errorf("the data was made with keyspace.databases %d, not %d: the number is fixed with the data", m.Databases, databases)
	default:
		copy(key[:], b)
	}
	return key, nil
}

func readMeta(dir vfs.FS) (m meta, err error) {
	f, err := dir.Open(metaName)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b := make([]byte, 1024)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return m, err
	}
	text := string(b[:n])
	var line, sum string
	for i := range text {
		if text[i] == '\n' {
			line, sum = text[:i], text[i+1:]
			break
		}
	}
	if sum != metaSum(line) {
		return m, fmt.Errorf("%s is damaged: its checksum is wrong", metaName)
	}
	if err := json.Unmarshal([]byte(line), &m); err != nil {
		return m, fmt.Errorf("%s is damaged: %w", metaName, err)
	}
	return m, nil
}

func metaSum(line string) string {
	return fmt.Sprintf("crc32c %08x\n", crc32.Checksum([]byte(line), crc32.MakeTable(crc32.Castagnoli)))
}

func writeMeta(dir vfs.FS, m meta) (err error) {
	line, err := json.Marshal(m)
	if err != nil {
		return err
	}
	if err := dir.Remove(metaTemp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := dir.Create(metaTemp)
	if err != nil {
		return err
	}
	_, err = f.WriteAt([]byte(string(line)+"\n"+metaSum(string(line))), 0)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := dir.Rename(metaTemp, metaName); err != nil {
		return err
	}
	return dir.SyncDir(".")
}
