package keyspace

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
)

// TestMapFailure proves K4 and K5 for memory that cannot be had: whichever
// mapping of a run of commands fails, the command that meets it changes
// nothing, gives no effect and returns the error; everything else goes on.
func TestMapFailure(t *testing.T) {
	t.Parallel()
	total := runWithFailure(t, -1)
	if total < 20 {
		t.Fatalf("the run maps memory only %d times", total)
	}
	// Each step'th mapping, another first one each time.
	step := max(1, total/effort(total))
	if debug {
		step *= 5
	}
	for n := rand.IntN(min(step, total)); n < total; n += step {
		runWithFailure(t, n)
	}
}

// runWithFailure runs commands that map memory often; mapping number fail does
// not succeed. It returns the number of mappings.
func runWithFailure(t *testing.T, fail int) int {
	t.Helper()
	mode := Heap // chunks of 1 MiB each: many mappings
	if debug {
		mode |= Poison | Canary
	}
	s := newSpace(t, Options{Stripes: 2, Databases: 2, Arena: mode})
	calls, failed := 0, false
	s.src.failForTest = func() error {
		calls++
		if calls-1 == fail {
			failed = true
			return syscall.ENOMEM
		}
		return nil
	}
	tx := s.NewTx()
	sink := &recorder{}
	tx.Sink = sink
	value := func(n int) []byte { return bytes.Repeat([]byte{'v'}, n) }
	var state [2]map[string]keyState
	step := func(name string, f func() error) {
		t.Helper()
		used, keys := s.used(), tx.Count()
		sink.effects = nil
		failed = false
		err := f()
		switch {
		case failed && err == nil:
			t.Fatalf("mapping %d failed and %s did not", fail, name)
		case !failed && err != nil:
			t.Fatalf("%s: %v", name, err)
		case failed:
			if !errors.Is(err, syscall.ENOMEM) || !strings.HasPrefix(err.Error(), "OOM cannot map memory: ") {
				t.Fatalf("%s: error %q", name, err)
			}
			if len(sink.effects) > 0 || tx.Count() != keys {
				t.Fatalf("%s failed and has effects %v, %d keys, before %d", name, sink.effects, tx.Count(), keys)
			}
			for db := range state {
				if state[db] != nil && !maps.Equal(dump(tx, db), state[db]) {
					t.Fatalf("%s failed and changed database %d", name, db)
				}
			}
			// Tables, a wheel or a first segment may stay; Check finds cells that nobody has.
			if s.used() > used+s.tableBytes()+8<<10 {
				t.Fatalf("%s failed and keeps %d bytes", name, s.used()-used)
			}
			checked(t, s)
			failed = false
			if err := f(); err != nil {
				t.Fatalf("%s, again: %v", name, err)
			}
		}
	}
	note := func() {
		for db := range state {
			state[db] = dump(tx, db)
		}
	}
	note()
	key := func(i int) []byte { return fmt.Appendf(nil, "{%d}key", i) }
	locked := func(keys [][]byte, f func() error) func() error {
		return func() error {
			if !tx.LockKeys(keys) {
				return ErrExclusive
			}
			defer tx.Unlock()
			return f()
		}
	}
	for i, n := range []int{10, 900_000, 1 << 20, 2 << 20, 5000} {
		k := key(i)
		ttl := NoTTL
		if i%2 == 1 {
			ttl = At(tx.Now + 1000)
		}
		step(fmt.Sprintf("SET of %d bytes", n), locked([][]byte{k}, func() error { return tx.SetBytes(k, value(n), ttl) }))
		note()
		step("APPEND", locked([][]byte{k}, func() error { _, err := tx.Append(k, value(400_000)); return err }))
		note()
		step("SETRANGE", locked([][]byte{k}, func() error { _, err := tx.SetRange(k, 1<<20, value(600_000)); return err }))
		note()
		step("SetFilled", locked([][]byte{k}, func() error {
			return tx.SetFilled(k, n+1_200_000, func(b []byte) { copy(b, value(len(b))) })
		}))
		note()
		step("COPY", locked([][]byte{k, key(i + 50)}, func() error { _, err := tx.Copy(k, 1, key(i+50), true); return err }))
		note()
		step("RENAME", locked([][]byte{k, key(i + 100)}, func() error { _, err := tx.Rename(k, key(i+100)); return err }))
		note()
		long := append(value(1200_000), byte('a'+i))
		step("SET of a long key", locked([][]byte{long}, func() error { return tx.SetBytes(long, value(30), NoTTL) }))
		note()
	}
	// A hot slot maps memory for segments as well.
	for i := range 6_000 {
		k := fmt.Appendf(nil, "{hot}%d", i)
		if i == 0 {
			state = [2]map[string]keyState{}
		}
		step("SET", locked([][]byte{k}, func() error { return tx.SetBytes(k, value(100), NoTTL) }))
	}
	checked(t, s)
	return calls
}

// used returns the accounted bytes; the stripes must be idle.
func (s *Space) used() (n int64) {
	n = s.tables.Load()
	for i := range s.stripes {
		n += s.stripes[i].arena.used + s.stripes[i].tables
	}
	return n
}

// TestLimits: values longer than MaxValue are refused and change nothing.
func TestLimits(t *testing.T) {
	s := newSpace(t, Options{Arena: Heap, MaxValue: 1000})
	tx := s.NewTx()
	key := []byte("k")
	set(t, tx, "k", strings.Repeat("x", 1000), NoTTL)
	tx.LockKey(key)
	defer tx.Unlock()
	if err := tx.SetBytes(key, make([]byte, 1001), NoTTL); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	if err := tx.SetRaw(key, make([]byte, 1001), NoTTL); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	if _, err := tx.Append(key, []byte("y")); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	if _, err := tx.SetRange(key, 1000, []byte("y")); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	if _, err := tx.SetRange(key, int(^uint(0)>>1), []byte("y")); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	if n, err := tx.SetRange(key, 999, []byte("y")); n != 1000 || err != nil {
		t.Error(n, err)
	}
	if err := tx.Apply([][]byte{[]byte("SETRANGE"), []byte("{k}applied"), []byte("1000"), []byte("y")}); err != nil {
		t.Error(err)
	}
	if err := tx.Patch([]byte("{k}patched"), 1000, []byte("y")); err != nil {
		t.Error(err)
	}
	if it, ok := tx.Peek(key); !ok || it.Len() != 1000 {
		t.Error("the value changed")
	}
	if s.SetMaxValue(1001); s.MaxValue() != 1001 {
		t.Error(s.MaxValue())
	}
	if n, err := tx.Append(key, []byte("y")); n != 1001 || err != nil {
		t.Error(n, err)
	}
	s.SetMaxValue(10)
	if err := tx.SetBytes(key, make([]byte, 11), NoTTL); !errors.Is(err, ErrTooLong) {
		t.Error(err)
	}
	if it, ok := tx.Peek(key); !ok || it.Len() != 1001 {
		t.Error("the value changed")
	}
	tx.Unlock()
	// What is there may be moved and copied.
	other := []byte("{k}copy")
	tx.LockKeys([][]byte{key, other})
	if ok, err := tx.Copy(key, 0, other, false); !ok || err != nil {
		t.Error(ok, err)
	}
	if ok, err := tx.Rename(other, key); !ok || err != nil {
		t.Error(ok, err)
	}
	if ok, err := tx.Move(key, 1); !ok || err != nil {
		t.Error(ok, err)
	}
}

// TestCheckFinds proves that Check reports a damaged word, record, count or page
// instead of accepting it or failing (K2, K3, K4).
func TestCheckFinds(t *testing.T) {
	damage := map[string]func(st *stripe, d *dbState, sb *sub){
		"a slot word's fragment": func(st *stripe, _ *dbState, sb *sub) {
			seg := st.arena.segment(&sb.head)
			for i := 0; i < len(seg); i += 8 {
				if w := le.Uint64(seg[i:]); uint32(w) != 0 {
					le.PutUint64(seg[i:], w^1<<40)
					return
				}
			}
		},
		"a slot word's ref": func(st *stripe, _ *dbState, sb *sub) {
			seg := st.arena.segment(&sb.head)
			for i := 0; i < len(seg); i += 8 {
				if w := le.Uint64(seg[i:]); uint32(w) != 0 {
					le.PutUint64(seg[i:], w^1<<20)
					return
				}
			}
		},
		"a key's length": func(st *stripe, _ *dbState, sb *sub) { damageRecord(st, sb, 4, 0x40) },
		"a value's length": func(st *stripe, _ *dbState, sb *sub) {
			damageRecord(st, sb, 5, 0x80)
		},
		"a key":             func(st *stripe, _ *dbState, sb *sub) { damageRecord(st, sb, 8, 1) },
		"a kind":            func(st *stripe, _ *dbState, sb *sub) { damageRecord(st, sb, 0, 0x20) },
		"a deadline flag":   func(st *stripe, _ *dbState, sb *sub) { damageRecord(st, sb, 0, flagExpiry) },
		"a sub's count":     func(_ *stripe, _ *dbState, sb *sub) { sb.count++ },
		"a Fenwick sum":     func(_ *stripe, d *dbState, _ *sub) { d.fenwick[1]++ },
		"the key counter":   func(_ *stripe, d *dbState, _ *sub) { d.keys.Add(1) },
		"a slot's bit":      func(_ *stripe, d *dbState, _ *sub) { d.nonempty.clear(uint16(d.nonempty.next(0))) },
		"a word count":      func(_ *stripe, _ *dbState, sb *sub) { sb.head.used++ },
		"used memory":       func(st *stripe, _ *dbState, _ *sub) { st.arena.used += 8 },
		"a page's count":    func(st *stripe, _ *dbState, sb *sub) { st.arena.meta(sb.head.ref>>refPageShift).live++ },
		"a free page's map": func(st *stripe, _ *dbState, _ *sub) { st.arena.chunks[1].free.clear(chunkPages-1, 1) },
	}
	for name, f := range damage {
		t.Run(name, func(t *testing.T) {
			s := newSpace(t, Options{Stripes: 1, Arena: Heap})
			tx := s.NewTx()
			for i := range 100 {
				set(t, tx, fmt.Sprintf("{k}%03d", i), "some value", NoTTL)
			}
			checked(t, s)
			st := &s.stripes[0]
			d := st.dbs[0]
			f(st, d, &d.subs[Slot([]byte("k"))])
			if err := s.Check(); err == nil {
				t.Fatal("Check finds nothing")
			}
		})
	}
}

// damageRecord flips bits of a byte of a record.
func damageRecord(st *stripe, sb *sub, at int, bit byte) {
	seg := st.arena.segment(&sb.head)
	for i := 0; i < len(seg); i += 8 {
		if w := le.Uint64(seg[i:]); uint32(w) != 0 {
			st.arena.from(uint32(w))[at] ^= bit
			return
		}
	}
}
