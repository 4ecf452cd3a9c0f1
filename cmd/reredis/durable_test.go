package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/reredis/reredis/internal/resp"
)

// durable is a server on a directory that outlives it.
func durable(t *testing.T, dir, port, driver string, more ...string) *instance {
	t.Helper()
	argv := append([]string{binary, "--port", port, "--http-port", "0", "--dir", dir, "--server.io.driver", driver}, more...)
	s := spawn(t, dir, argv...)
	s.port = port
	if err := s.await(); err != nil {
		t.Fatalf("%v\n%s", err, s.out.String())
	}
	return s
}

// kill9 ends the process at once.
func (s *instance) kill9() {
	s.cmd.Process.Kill()
	<-s.done
}

// TestRestart: data, deadlines, encodings and all databases are there again after a clean stop and after a kill, with
// and without a snapshot.
func TestRestart(t *testing.T) {
	for _, how := range []string{"SHUTDOWN", "kill -9", "snapshot, then kill -9"} {
		t.Run(how, func(t *testing.T) {
			dir, port := t.TempDir(), freePort(t)
			s := durable(t, dir, port, "loops")
			c := s.client(t)
			ctx := t.Context()
			script := [][]any{
				{"SET", "text", "some text"},
				{"SET", "n", 41},
				{"INCR", "n"},
				{"APPEND", "raw", "abc"},
				{"SETRANGE", "raw", 5, "x"},
				{"SET", "ttl", "v", "PXAT", 4102444800000},
				{"SET", "gone", 1, "PX", 1},
				{"SET", "big", strings.Repeat("x", 3<<20)},
				{"SET", "a", 1},
				{"RENAME", "a", "b"},
				{"MSET", "m1", 1, "m2", 2},
				{"DEL", "m1"},
				{"SETBIT", "bits", 100, 1},
				{"COPY", "text", "copy"},
				{"SET", "moved", 1},
				{"MOVE", "moved", 3},
				{"SWAPDB", 1, 2},
			}
			for i, args := range script {
				if err := c.Do(ctx, args...).Err(); err != nil {
					t.Fatal(args, err)
				}
				if how == "snapshot, then kill -9" && i == len(script)/2 {
					is(t, "OK")(c.Save(ctx).Result())
				}
			}
			if how == "SHUTDOWN" {
				c.Shutdown(ctx)
				if code := s.exit(); code != 0 {
					t.Fatalf("exit code %d", code)
				}
			} else {
				s.kill9()
			}
			s = durable(t, dir, port, "loops")
			c = s.client(t)
			is(t, "some text")(c.Get(ctx, "text").Result())
			is(t, "42")(c.Get(ctx, "n").Result())
			is(t, "abc\x00\x00x")(c.Get(ctx, "raw").Result())
			is(t, "raw")(c.ObjectEncoding(ctx, "raw").Result())
			is(t, int64(4102444800000))(c.Do(ctx, "PEXPIRETIME", "ttl").Int64())
			is(t, int64(0))(c.Exists(ctx, "gone", "a", "m1", "moved").Result())
			is(t, int64(3<<20))(c.StrLen(ctx, "big").Result())
			is(t, int64(1))(c.GetBit(ctx, "bits", 100).Result())
			is(t, "some text")(c.Get(ctx, "copy").Result())
			is(t, int64(4))(c.Exists(ctx, "b", "m2", "text", "n").Result())
			is(t, "42")(c.Get(ctx, "n").Result())
			three := s.wire(t)
			three.send("SELECT 3\r\nGET moved\r\n")
			three.reply()
			if v := three.reply(); string(v.Str) != "1" {
				t.Errorf("moved is %s", v)
			}
			is(t, int64(43))(c.Incr(ctx, "n").Result())
		})
	}
}

// TestSecondProcess: a data directory belongs to one process.
func TestSecondProcess(t *testing.T) {
	dir := t.TempDir()
	durable(t, dir, freePort(t), "loops")
	second := spawn(t, t.TempDir(), binary, "--port", freePort(t), "--http-port", "0", "--dir", dir)
	if code := second.exit(); code != 1 || !strings.Contains(second.out.String(), "is locked by another process (pid ") {
		t.Errorf("exit code %d: %s", code, second.out.String())
	}
}

// TestDamagedLog: a log that is damaged before its end is refused, with the place and the ways out.
func TestDamagedLog(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := durable(t, dir, port, "loops")
	c := s.client(t)
	for i := range 50 {
		is(t, "OK")(c.Set(t.Context(), "k"+strconv.Itoa(i), i, 0).Result())
	}
	s.kill9()
	name := dir + "/wal/0000000000000001.seg"
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[4096+600] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s = spawn(t, dir, binary, "--port", port, "--http-port", "0", "--dir", dir)
	code := s.exit()
	for _, want := range []string{"corrupt", "0000000000000001.seg", "LSN"} {
		if code != 1 || !strings.Contains(s.out.String(), want) {
			t.Errorf("exit code %d, no %q in %s", code, want, s.out.String())
		}
	}
}

// writer is a client of TestKillNine. It knows for each key the last value that was acknowledged, and
// the last that was sent.
type writer struct {
	refused     bool // writes may be refused, which acknowledges nothing
	id          int
	acked, sent map[string]int
	n           int
}

// keysEach is how many keys a writer has.
const keysEach = 20

// run writes until the server dies, counting what is acknowledged.
func (w *writer) run(addr string, rng *rand.Rand, acks *atomic.Int64) error {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer nc.Close()
	in := bufio.NewReader(nc)
	for {
		// A pipeline of single writes, or a transaction over two keys that always have the same value.
		var b []byte
		type pending struct {
			keys  []string
			value int
			skip  int // replies before the one that acknowledges
		}
		var batch []pending
		for range 1 + rng.IntN(8) {
			w.n++
			if rng.IntN(5) == 0 {
				pair := []string{fmt.Sprintf("{w%d}:left", w.id), fmt.Sprintf("other%d:right", w.id)}
				b = resp.AppendCommand(b, "MULTI")
				for _, k := range pair {
					b = resp.AppendCommand(b, "SET", k, strconv.Itoa(w.n))
					w.sent[k] = w.n
				}
				b = resp.AppendCommand(b, "EXEC")
				batch = append(batch, pending{pair, w.n, 3})
				continue
			}
			key := fmt.Sprintf("w%d:%d", w.id, rng.IntN(keysEach))
			b = resp.AppendCommand(b, "SET", key, strconv.Itoa(w.n))
			w.sent[key] = w.n
			batch = append(batch, pending{[]string{key}, w.n, 0})
		}
		if _, err := nc.Write(b); err != nil {
			return nil
		}
		for _, p := range batch {
			refused := false
			for range p.skip + 1 {
				v, err := resp.ReadReply(in)
				if err != nil {
					return nil // the server was killed
				}
				switch {
				case w.refused && v.IsError() && (bytes.HasPrefix(v.Str, []byte("MISCONF ")) || bytes.HasPrefix(v.Str, []byte("EXECABORT "))):
					refused = true
				case v.IsError():
					return fmt.Errorf("%s", v)
				}
			}
			if refused {
				continue
			}
			for _, k := range p.keys {
				w.acked[k] = p.value
			}
			acks.Add(1)
		}
	}
}

// TestKillNine is W4 and W5 with real processes: whatever the policy, nothing that was acknowledged before a
// kill -9 is missing after it, nothing appears that was not sent, and transactions are whole. REREDIS_KILLS sets the number
// of kills for each policy and driver.
func TestKillNine(t *testing.T) {
	kills := 3
	if n, err := strconv.Atoi(os.Getenv("REREDIS_KILLS")); err == nil {
		kills = n
	}
	for _, policy := range []string{"always", "everysec", "no"} {
		for _, driver := range []string{"loops", "goroutines"} {
			t.Run(policy+" "+driver, func(t *testing.T) { killNine(t, policy, driver, kills) })
		}
	}
}

func killNine(t *testing.T, policy, driver string, kills int) {
	dir, port := t.TempDir(), freePort(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 1))
	writers := make([]*writer, 8)
	for i := range writers {
		writers[i] = &writer{id: i, acked: map[string]int{}, sent: map[string]int{}}
	}
	for life := range kills {
		s := durable(t, dir, port, driver, "--appendfsync", policy, "--wal.segment_size", "1MiB", "--wal.snapshot.log_size", "1MiB")
		checkLedger(t, s, writers, life)
		var acks atomic.Int64
		var wg sync.WaitGroup
		errs := make(chan error, len(writers))
		for i, w := range writers {
			r := rand.New(rand.NewPCG(seed, uint64(life*100+i)))
			wg.Go(func() { errs <- w.run(s.addr(), r, &acks) })
		}
		enough := int64(1 + rng.IntN(8000))
		saveAt := int64(rng.IntN(8000))
		poll := time.NewTicker(time.Millisecond)
		for saved := false; acks.Load() < enough; {
			if !saved && acks.Load() >= saveAt {
				saved = true
				if nc, err := net.Dial("tcp", s.addr()); err == nil {
					_, _ = io.WriteString(nc, "BGSAVE\r\n")
					_, _ = bufio.NewReader(nc).ReadString('\n')
					nc.Close()
				}
			}
			select {
			case <-s.done:
				t.Fatalf("the server ended by itself:\n%s", s.out.String())
			case err := <-errs:
				t.Fatal(err)
			case <-poll.C:
			}
		}
		poll.Stop()
		s.kill9()
		wg.Wait()
		close(errs)
		if err := errors.Join(collect(errs)...); err != nil {
			t.Fatal(err)
		}
	}
	checkLedger(t, durable(t, dir, port, driver, "--appendfsync", policy), writers, kills)
}

func collect(errs <-chan error) (list []error) {
	for err := range errs {
		list = append(list, err)
	}
	return list
}

// checkLedger compares the server with what its clients know, and makes that what they know.
func checkLedger(t *testing.T, s *instance, writers []*writer, life int) {
	t.Helper()
	c := s.client(t)
	for _, w := range writers {
		got := map[string]int{}
		for key, sent := range w.sent {
			text, err := c.Get(t.Context(), key).Result()
			value := 0
			if err == nil {
				value, _ = strconv.Atoi(text)
			}
			got[key] = value
			if value < w.acked[key] {
				t.Errorf("life %d: %s is %d, but %d was acknowledged (W4)", life, key, value, w.acked[key])
			}
			if value > sent {
				t.Errorf("life %d: %s is %d, but only %d was sent", life, key, value, sent)
			}
		}
		left, right := got[fmt.Sprintf("{w%d}:left", w.id)], got[fmt.Sprintf("other%d:right", w.id)]
		if left != right {
			t.Errorf("life %d: half a transaction: %d and %d (W5)", life, left, right)
		}
		for key, value := range got {
			w.acked[key], w.sent[key] = value, value
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// TestTornTail: an unfinished end of the log is cut off, or with aof-load-truncated no refused with file and offset.
func TestTornTail(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := durable(t, dir, port, "loops")
	c := s.client(t)
	is(t, "OK")(c.Set(t.Context(), "first", "kept", 0).Result())
	is(t, "OK")(c.Set(t.Context(), "second", "torn", 0).Result())
	s.kill9()
	name := filepath.Join(dir, "wal", "0000000000000001.seg")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	b[bytes.Index(b, []byte("torn"))] ^= 1
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	s = spawn(t, dir, binary, "--port", port, "--http-port", "0", "--dir", dir, "--aof-load-truncated", "no")
	code := s.exit()
	for _, want := range []string{"wal/0000000000000001.seg, offset ", "ends unfinished after LSN 1", "--cut-at 1"} {
		if code != 1 || !strings.Contains(s.out.String(), want) {
			t.Errorf("exit code %d, no %q in %s", code, want, s.out.String())
		}
	}
	for range 2 { // and what is appended behind the cut is there at the next start
		s = durable(t, dir, port, "loops")
		c = s.client(t)
		is(t, "kept")(c.Get(t.Context(), "first").Result())
		is(t, int64(0))(c.Exists(t.Context(), "second").Result())
		is(t, "OK")(c.Set(t.Context(), "third", 3, 0).Result())
		s.kill9()
	}
	is(t, int64(2))(durable(t, dir, port, "loops").client(t).DBSize(t.Context()).Result())
}
