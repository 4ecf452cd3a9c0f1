//go:build soak

package keyspace

import (
	"fmt"
	"os"
	"runtime"
	rtdebug "runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// These tests measure; they are run alone on a machine, with -tags soak, and
// print what docs/performance.md reports:
//
//	go test -tags soak -run 'TestGrow10M|TestBytesPerKey' -v ./keyspace

// rss returns the resident size of the process in bytes.
func rss(t *testing.T) int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Skip("no /proc")
	}
	n, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n * int64(os.Getpagesize())
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestGrow10M fills a Space with 10M keys of 16 + 64 bytes and times each SET;
// the slowest are traced to what they did. Then it times a full collection.
func TestGrow10M(t *testing.T) {
	n := 10_000_000
	if v := os.Getenv("KEYSPACE_KEYS"); v != "" {
		n, _ = strconv.Atoi(v)
	}
	s := newSpace(t, Options{})
	var merging sync.WaitGroup
	merging.Go(func() { s.NewTx().MergePages(t.Context()) })
	t.Cleanup(merging.Wait) // before the Space is closed
	tx := s.NewTx()
	key, val := make([]byte, 16), make([]byte, 64)
	type slow struct {
		at      int
		took    time.Duration
		mapped  int64
		chunks  int
		faults  int64
		preempt int64
	}
	var worst []slow
	// A histogram in steps of 100 ns up to 1 ms.
	var hist [10_001]int
	usage := func() (minor, involuntary int64) {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
		return u.Minflt, u.Nivcsw
	}
	begin := time.Now()
	last := begin
	flt, csw := usage()
	for i := range n {
		benchKey(key, i)
		st := &s.stripes[Slot(key)&s.mask]
		mapped, chunks := s.src.mapped.Load(), len(st.arena.mem)
		last = time.Now()
		tx.LockKey(key)
		if err := tx.SetBytes(key, val, NoTTL); err != nil {
			t.Fatal(err)
		}
		tx.Unlock()
		took := time.Since(last)
		hist[min(int(took/100), len(hist)-1)]++
		if took > 100*time.Microsecond {
			f, c := usage()
			worst = append(worst, slow{i, took, s.src.mapped.Load() - mapped, len(st.arena.mem) - chunks, f - flt, c - csw})
			flt, csw = f, c
		}
	}
	total := time.Since(begin)
	t.Logf("%d SETs in %v, %.0f ns each, the clock included", n, total, float64(total.Nanoseconds())/float64(n))
	for _, p := range []float64{0.5, 0.99, 0.999, 0.9999, 0.99999} {
		sum := 0
		for i, c := range hist {
			if sum += c; float64(sum) >= p*float64(n) {
				t.Logf("p%g: <= %v", p*100, time.Duration(i+1)*100)
				break
			}
		}
	}
	slices.SortFunc(worst, func(a, b slow) int { return int(b.took - a.took) })
	for i, w := range worst {
		if i < 15 {
			t.Logf("SET %8d took %9v: mapped %d MiB, %d chunks; since the last slow one %d faults, %d times preempted",
				w.at, w.took, w.mapped>>20, w.chunks, w.faults, w.preempt)
		}
	}
	t.Logf("%d SETs over 100 us; RSS %d MB, used %d MB, pages %d MB, huge %d MB", len(worst), rss(t)>>20,
		s.UsedMemory()>>20, s.Stats().PageBytes>>20, s.Stats().HugeBytes>>20)

	sample := []metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	runtime.GC()
	metrics.Read(sample)
	before := sample[0].Value.Float64()
	cpu := cpuTime()
	start := time.Now()
	runtime.GC()
	wall := time.Since(start)
	cpu = cpuTime() - cpu
	metrics.Read(sample)
	t.Logf("full GC: %v wall, %v process CPU, %.1f ms CPU by the runtime's account", wall, cpu, 1000*(sample[0].Value.Float64()-before))
}

// TestBytesPerKey fills a Space with 5M keys of 16 bytes and values of several
// sizes and reports the resident bytes per key.
func TestBytesPerKey(t *testing.T) {
	n := 5_000_000
	if v := os.Getenv("KEYSPACE_KEYS"); v != "" {
		n, _ = strconv.Atoi(v)
	}
	for _, c := range []struct {
		size int
		ttl  bool
		goal float64
	}{{8, false, 55}, {64, false, 113}, {512, false, 612}, {8, true, 72}, {64, true, 130}} {
		keys := n
		if c.size > 100 {
			keys /= 4
		}
		t.Run(fmt.Sprintf("%dB ttl=%v", c.size, c.ttl), func(t *testing.T) {
			rtdebug.FreeOSMemory()
			before := rss(t)
			s := newSpace(t, Options{})
			var merging sync.WaitGroup
			merging.Go(func() { s.NewTx().MergePages(t.Context()) })
			t.Cleanup(merging.Wait) // before the Space is closed
			tx := s.NewTx()
			key, val := make([]byte, 16), make([]byte, c.size)
			for i := range val {
				val[i] = 'x'
			}
			for i := range keys {
				benchKey(key, i)
				ttl := NoTTL
				if c.ttl {
					ttl = At(tx.Now + 3_600_000 + int64(i)%3_600_000)
				}
				tx.LockKey(key)
				if err := tx.SetBytes(key, val, ttl); err != nil {
					t.Fatal(err)
				}
				tx.Unlock()
			}
			got := float64(rss(t)-before) / float64(keys)
			t.Logf("%.1f B RSS a key (goal %.0f), %.1f used, %.1f in huge pages", got, c.goal,
				float64(s.UsedMemory())/float64(keys), float64(s.Stats().HugeBytes)/float64(keys))
		})
	}
}
