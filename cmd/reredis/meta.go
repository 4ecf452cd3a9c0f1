package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"strings"

	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/wal"
)

// META holds what is fixed with the data: a line of JSON and a line with its CRC-32C. It is written once, before
// anything else is, and as a whole.
const metaName = "META"

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
		m, err = makeMeta(dir, databases)
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
	b, err := vfs.ReadFile(dir, metaName)
	if err != nil {
		return m, err
	}
	line, sum, _ := strings.Cut(string(b), "\n")
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

// makeMeta writes META unless another process, which then has the lock or has had it, was faster.
func makeMeta(dir vfs.FS, databases int) (m meta, err error) {
	lock, err := dir.Lock(wal.LockName)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	if m, err = readMeta(dir); !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	key := randomKey()
	m = meta{Format: metaFormat, HashKey: hex.EncodeToString(key[:]), Databases: databases}
	line, err := json.Marshal(m)
	if err == nil {
		err = vfs.Replace(dir, metaName, []byte(string(line)+"\n"+metaSum(string(line))))
	}
	if err != nil {
		return m, fmt.Errorf("writing %s: %w", metaName, err)
	}
	return m, nil
}
