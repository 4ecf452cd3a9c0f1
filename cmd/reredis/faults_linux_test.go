package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/reredis/reredis/internal/resp"
)

// inject makes system calls of a running server fail, in strace's words, until the returned function is called.
func inject(t *testing.T, s *instance, fault string) (end func()) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed")
	}
	call, _, _ := strings.Cut(fault, ":")
	cmd := exec.Command(strace, "-f", "-o", os.DevNull, "-e", "trace="+call, "-e", "inject="+fault, "-p", strconv.Itoa(s.cmd.Process.Pid))
	var says lockedBuffer
	cmd.Stderr = &says
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the server may end first
		close(ended)
	}()
	end = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		<-ended
	})
	t.Cleanup(end)
	eventually(t, "strace is attached", func() bool {
		select {
		case <-ended:
			t.Skipf("strace may not look at another process here: %s", says.String())
		default:
		}
		return strings.Contains(says.String(), "attached")
	})
	return end
}

// TestW8FailedCalls: a write or a sync of the log fails once in each thread under load; under everysec, where one goroutine syncs
// and prepares segments, a sync now and then. Where the next segment was being prepared, writes are refused for a moment. The log goes on in another file, and nothing that was acknowledged is missing.
func TestW8FailedCalls(t *testing.T) {
	for policy, faults := range map[string][]string{
		"always":   {"fdatasync:error=EIO:when=3", "pwrite64:error=EIO:when=4"},
		"everysec": {"fdatasync:error=EIO:when=3+12", "pwrite64:error=EIO:when=4"},
	} {
		for _, fault := range faults {
			t.Run(fault+" "+policy, func(t *testing.T) {
				dir, port := t.TempDir(), freePort(t)
				s := durable(t, dir, port, "loops", "--appendfsync", policy, "--wal.segment_size", "1MiB")
				inject(t, s, fault)
				writers := ledgers(4)
				var acks atomic.Int64
				var all sync.WaitGroup
				errs := make(chan error, len(writers))
				for i, w := range writers {
					w.refused = true
					all.Go(func() { errs <- w.run(s.addr(), rand.New(rand.NewPCG(1, uint64(i))), &acks) })
				}
				eventually(t, "the log has gone on in another file", func() bool {
					return strings.Contains(s.out.String(), "going on in another")
				})
				enough := acks.Load() + 200
				// strace counts for each thread: if the three tries to go on each meet a call that fails, the server gives up, as it says.
				eventually(t, "writes are acknowledged, or the server gives up", func() bool {
					return acks.Load() > enough || strings.Contains(s.out.String(), "another file failed too")
				})
				s.kill9()
				all.Wait()
				close(errs)
				if err := errors.Join(collect(errs)...); err != nil {
					t.Fatal(err)
				}
				checkLedger(t, durable(t, dir, port, "loops"), writers, 1)
			})
		}
	}
}

// ledgers are clients that know what was acknowledged.
func ledgers(n int) []*writer {
	list := make([]*writer, n)
	for i := range list {
		list[i] = &writer{id: i, acked: map[string]int{}, sent: map[string]int{}}
	}
	return list
}

// TestDiskFailsForGood: when no file can be synced the server ends with status 1 and acknowledges nothing of what is not on the disk.
func TestDiskFailsForGood(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := durable(t, dir, port, "loops")
	w := s.wire(t)
	w.send("SET k 1\r\n")
	w.reply()
	end := inject(t, s, "fdatasync:error=EIO:when=1+")
	w.send("SET k 2\r\n")
	if rest := w.rest(); rest != "" {
		t.Errorf("before it was on the disk the answer was %q", rest)
	}
	if code := s.exit(); code != 1 || !strings.Contains(s.out.String(), "the log can not be written") {
		t.Errorf("exit code %d", code)
	}
	end()
	got := durable(t, dir, port, "loops").client(t).Get(t.Context(), "k").Val()
	if got != "1" && got != "2" { // the outcome was left open
		t.Errorf("k is %q", got)
	}
}

const noSpace = "MISCONF Errors writing to the AOF file: No space left on device"

// TestW9WriteWithoutRoom: a write of the log meets a full disk. Its reply is held, later writes are refused, reads go on; when
// there is room all goes on by itself.
func TestW9WriteWithoutRoom(t *testing.T) {
	for _, policy := range []string{"always", "everysec"} {
		t.Run(policy, func(t *testing.T) {
			dir, port := t.TempDir(), freePort(t)
			s := durable(t, dir, port, "loops", "--appendfsync", policy)
			held, w := s.wire(t), s.wire(t)
			say := func(line string) string {
				w.send(line + "\r\n")
				return w.reply().String()
			}
			say("SET read 1")
			end := inject(t, s, "pwrite64:error=ENOSPC:when=1+")
			held.send("SET k 2\r\n")
			eventually(t, "the server notices", func() bool { return strings.Contains(s.out.String(), "no room for the log") })
			if got := say("SET refused 1"); !strings.Contains(got, noSpace) {
				t.Errorf("a write: %s", got)
			}
			w.send("GET refused\r\nGET read\r\n")
			if a, b := w.reply(), w.reply(); !a.IsNull() || string(b.Str) != "1" {
				t.Errorf("reads: %s, %s", a, b)
			}
			end()
			if got := held.reply(); got.IsError() {
				t.Errorf("the write that was held: %s", got)
			}
			eventually(t, "writes are taken", func() bool { return !strings.Contains(say("SET later 3"), "MISCONF") })
			s.kill9()
			c := durable(t, dir, port, "loops").client(t)
			is(t, []any{"2", "3", "1", nil})(c.MGet(t.Context(), "k", "later", "read", "refused").Result())
		})
	}
}

// TestW9FullDisk: a small file system runs full. Writes are refused before they execute, reads go on, all goes on when there
// is room, and after a kill everything that was acknowledged is there.
func TestW9FullDisk(t *testing.T) {
	disk := smallDisk(t)
	dir, port := filepath.Join(disk, "data"), freePort(t)
	start := func() *instance {
		s := spawn(t, disk, binary, "--port", port, "--http-port", "0", "--dir", dir, "--wal.segment_size", "1MiB")
		s.port = port
		if err := s.await(); err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := start()
	writes, w := s.wire(t), s.wire(t)
	w.send("SET read 1\r\n")
	w.reply()
	balloon := filepath.Join(disk, "balloon")
	fill(t, balloon)

	// One client writes on and on: it is refused at last, or its reply is held if the log's file was full before the syncer
	// looked for another.
	type outcome struct {
		acked   map[int]int
		refused string
		last    int
	}
	var enough atomic.Bool
	over := make(chan outcome, 1)
	go func() {
		o := outcome{acked: map[int]int{}}
		for ; o.refused == "" && !enough.Load(); o.last++ {
			writes.send(fmt.Sprintf("SET key%d %d%s\r\n", o.last%300, o.last, strings.Repeat("x", 20<<10)))
			v, err := resp.ReadReply(writes.r)
			switch {
			case err != nil:
				o.refused = err.Error()
			case v.IsError():
				o.refused = v.String()
			default:
				o.acked[o.last%300] = o.last
			}
		}
		over <- o
	}()
	eventually(t, "the server notices", func() bool { return strings.Contains(s.out.String(), "no room for the log") })
	w.send("SET refused 1\r\nGET refused\r\nGET read\r\n")
	if a, b, c := w.reply(), w.reply(), w.reply(); !strings.Contains(a.String(), noSpace) || !b.IsNull() || string(c.Str) != "1" {
		t.Errorf("%s, %s, %s", a, b, c)
	}
	if err := os.Remove(balloon); err != nil {
		t.Fatal(err)
	}
	eventually(t, "writes are taken", func() bool {
		w.send("SET later 1\r\n")
		return !w.reply().IsError()
	})
	enough.Store(true)
	o := <-over
	if o.refused != "" && !strings.Contains(o.refused, noSpace) || len(o.acked) == 0 {
		t.Fatalf("after %d writes: %s", o.last, o.refused)
	}
	check := func(w *wire) {
		t.Helper()
		for key := range 300 {
			w.send(fmt.Sprintf("GETRANGE key%d 0 8\r\n", key))
			got, _, _ := strings.Cut(string(w.reply().Str), "x")
			want := ""
			if value, ok := o.acked[key]; ok {
				want = strconv.Itoa(value)
			}
			if got != want {
				t.Errorf("key%d is %q, but %q was acknowledged last", key, got, want)
			}
		}
	}
	check(w) // the write that was refused has not executed
	s.kill9()
	check(start().wire(t))
}

// TestW9NoSegment: the next segment can not be made, for another reason than a full disk: the reason is told, writes are refused
// before they execute while the present segment still has room, and go on when it can be made.
func TestW9NoSegment(t *testing.T) {
	dir := t.TempDir()
	s := durable(t, dir, freePort(t), "loops", "--wal.segment_size", "1MiB")
	w := s.wire(t)
	say := func(line string) string {
		t.Helper()
		w.send(line + "\r\n")
		return w.reply().String()
	}
	say("SET read 1")
	inTheWay := func(n int) string { return filepath.Join(dir, "wal", fmt.Sprintf("spare-%d.seg.tmp", n)) }
	const first, last = 5, 300 // each try takes another, and the first ones are being made
	for n := first; n <= last; n++ {
		if err := os.MkdirAll(filepath.Join(inTheWay(n), "full"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	refused := ""
	for n := 0; refused == "" && n < 10_000; n++ { // into a segment of 1 MiB, or two
		if got := say(fmt.Sprintf("SET n %d%s", n, strings.Repeat("x", 4<<10))); got != "OK" {
			refused = got
		}
	}
	if !strings.Contains(refused, "MISCONF Errors writing to the AOF file: Directory not empty") {
		t.Errorf("the answer was %q", refused)
	}
	eventually(t, "the cause is logged", func() bool {
		out := s.out.String()
		return strings.Contains(out, "next segment can not be prepared") && strings.Contains(out, "directory not empty")
	})
	if out := s.out.String(); strings.Contains(out, "no room") {
		t.Errorf("it was logged otherwise: %s", out)
	}
	if got := say("GET read"); got != "1" {
		t.Errorf("a read: %s", got)
	}
	for n := first; n <= last; n++ {
		if err := os.RemoveAll(inTheWay(n)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "writes are taken", func() bool { return say("SET later 3") == "OK" })
	if out := s.out.String(); !strings.Contains(out, "the log has a next segment again") {
		t.Error(out)
	}
}

// TestPolicyOnFullDisk: CONFIG SET appendfsync always on a full disk answers when all that was answered before is on disk,
// which may take until there is room; nobody else waits for it, writes are refused, and nothing that was acknowledged is lost.
func TestPolicyOnFullDisk(t *testing.T) {
	for _, driver := range []string{"loops", "goroutines"} {
		t.Run(driver, func(t *testing.T) {
			disk := smallDisk(t)
			dir, port := filepath.Join(disk, "data"), freePort(t)
			if err := os.Mkdir(dir, 0o700); err != nil {
				t.Fatal(err)
			}
			options := []string{"--appendfsync", "everysec", "--wal.segment_size", "1MiB"}
			s := durable(t, dir, port, driver, options...)
			w, writes, sets := s.wire(t), s.wire(t), s.wire(t)
			w.send("SET read 1\r\n")
			w.reply()
			balloon := filepath.Join(disk, "balloon")
			fill(t, balloon)
			var acked atomic.Int64
			refused := make(chan string, 1)
			go func() { // until it is refused, or for as long as its reply is held
				for n := int64(1); ; n++ {
					writes.send(fmt.Sprintf("SET n %d%s\r\n", n, strings.Repeat("x", 20<<10)))
					v, err := resp.ReadReply(writes.r)
					if err != nil || v.IsError() {
						refused <- v.String()
						return
					}
					acked.Store(n)
				}
			}()
			eventually(t, "the server notices", func() bool { return strings.Contains(s.out.String(), "no room for the log") })
			sets.send("CONFIG SET appendfsync always\r\n")
			for range 20 {
				w.send("GET read\r\nSET refused 1\r\nEXISTS refused\r\n")
				if a, b, c := w.reply(), w.reply(), w.reply(); string(a.Str) != "1" || !strings.Contains(b.String(), noSpace) || c.String() != "0" {
					t.Fatalf("%s, %s, %s", a, b, c)
				}
			}
			if err := os.Remove(balloon); err != nil {
				t.Fatal(err)
			}
			if v := sets.reply(); string(v.Str) != "OK" {
				t.Errorf("CONFIG SET: %s", v)
			}
			eventually(t, "writes are taken", func() bool {
				w.send("SET later 1\r\n")
				return !w.reply().IsError()
			})
			s.kill9()
			<-refused
			c := durable(t, dir, port, driver, options...).client(t)
			text, _, _ := strings.Cut(c.Get(t.Context(), "n").Val(), "x")
			if n, _ := strconv.ParseInt(text, 10, 64); n < acked.Load() {
				t.Errorf("n is %q, but %d was acknowledged", text, acked.Load())
			}
			is(t, []any{"1", "1", nil})(c.MGet(t.Context(), "read", "later", "refused").Result())
		})
	}
}

// smallDisk is a directory on a file system that soon is full.
func smallDisk(t *testing.T) string {
	t.Helper()
	disk := t.TempDir()
	if os.Getuid() != 0 {
		t.Skip("mounting a small file system takes root")
	}
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=24m"); err != nil {
		t.Skipf("no file system can be mounted here: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) }) // the directory can not be removed otherwise, which fails the test
	return disk
}

// fill writes a file until there is no room.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for err == nil {
		_, err = f.Write(make([]byte, 64<<10))
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}
