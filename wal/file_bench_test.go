package wal

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/vfs"
)

func BenchmarkFileAppend(b *testing.B) {
	for _, size := range []int{100, 4 << 10, 64 << 10} {
		for _, sync := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/sync=%v", size, sync), func(b *testing.B) {
				f, _ := openFiles(b, vfs.OS(b.TempDir()), FileOptions{SegmentSize: 64 << 20, FirstSegment: 64 << 20, Preallocate: 4})
				defer func() { _ = f.Close(false) }()
				if err := f.Rotate(); err != nil {
					b.Fatal(err)
				}
				fs := []Frame{frameOf(0, 0, strings.Repeat("x", size))}
				b.SetBytes(int64(len(fs[0].Bytes)))
				b.ReportAllocs()
				for b.Loop() {
					m := f.Marks()
					fs[0] = newFrame(fs[0].Bytes, m.Written+1, 1, m.Durable, 1)
					_, err := f.Append(fs, sync)
					if errors.Is(err, ErrRotate) {
						b.StopTimer()
						if _, err = f.Sync(); err == nil {
							if err = f.Trim(m.Durable); err == nil {
								err = f.Rotate()
							}
						}
						b.StartTimer()
					}
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkFileScan reads a log of 64 MiB from the page cache and checks all of it.
func BenchmarkFileScan(b *testing.B) {
	f, _ := openFiles(b, vfs.OS(b.TempDir()), FileOptions{SegmentSize: 64 << 20, FirstSegment: 64 << 20})
	defer func() { _ = f.Close(false) }()
	var total int64
	effect := strings.Repeat("x", 100)
	for range 2000 {
		group := make([]byte, FrameHeader, 48<<10)
		for range 300 {
			group = appendEntry(group, 1, 0, 0, []byte(effect))
		}
		total += int64(len(group))
		fs := []Frame{newFrame(group, f.Marks().Written+1, 300, 0, 1)}
		_, err := f.Append(fs, false)
		if errors.Is(err, ErrRotate) {
			if err = f.Rotate(); err == nil {
				_, err = f.Append(fs, false)
			}
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	for _, workers := range []int{1, 2} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.SetBytes(total)
			for b.Loop() {
				if err := f.Scan(1, workers, func([]Frame) error { return nil }); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
