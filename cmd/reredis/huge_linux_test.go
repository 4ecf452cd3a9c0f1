package main

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// needMerging skips the test where the system does not merge pages: before Linux 6.1, or without memory in one piece.
func needMerging(t *testing.T) {
	t.Helper()
	b, err := unix.Mmap(-1, 0, 4<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Munmap(b) }()
	clear(b)
	for _, advice := range []int{unix.MADV_HUGEPAGE, unix.MADV_POPULATE_WRITE, unix.MADV_COLLAPSE} {
		if err := unix.Madvise(b, advice); err != nil {
			t.Skipf("the system has no huge pages: advice %d: %v", advice, err)
		}
	}
}

// hugeBytes is keyspace_huge_bytes of INFO.
func hugeBytes(t *testing.T, info string) int {
	t.Helper()
	_, after, ok := strings.Cut(info, "keyspace_huge_bytes:")
	text, _, _ := strings.Cut(after, "\r\n")
	n, err := strconv.Atoi(text)
	if !ok || err != nil {
		t.Fatalf("no keyspace_huge_bytes in %q", info)
	}
	return n
}

// TestHugePagesOfProcess: a server that is full makes huge pages once they are turned on, and FLUSHALL ends them.
func TestHugePagesOfProcess(t *testing.T) {
	system, err := os.ReadFile("/sys/kernel/mm/transparent_hugepage/enabled")
	if err != nil || strings.Contains(string(system), "[never]") {
		t.Skip("the system has no huge pages")
	}
	needMerging(t)
	s := configured(t, "a.yaml", "keyspace: {huge_pages: off, stripes: 1}\n", "--enable-debug-command", "yes", "--appendonly", "no")
	c := s.client(t)
	info := func() int { return hugeBytes(t, c.Info(t.Context(), "reredis").Val()) }
	if err := c.Do(t.Context(), "debug", "populate", 100_000, "key", 64).Err(); err != nil {
		t.Fatal(err)
	}
	if n := info(); n != 0 {
		t.Fatalf("%d bytes of huge pages, which are off", n)
	}
	if err := c.ConfigSet(t.Context(), "keyspace.huge_pages", "auto").Err(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "two huge pages", func() bool { return info() >= 4<<20 })
	if err := c.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if n := info(); n != 0 {
		t.Fatalf("%d bytes of huge pages after FLUSHALL", n)
	}
}
