package keyspace

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

// The model test drives a Space and plain Go maps with the same random commands
// and compares everything that can be seen. It proves K2, K3 and K4 (Check), K5
// and K7 (the effects are replayed on a second Space whose clock is far ahead),
// K6 (mode ViewCopy under the tag invariants) and K12 (encodings).

// testModes are the arena modes that this build has.
func testModes() map[string]ArenaMode {
	m := map[string]ArenaMode{"heap": Heap, "mmap": Mmap}
	if debug {
		m = map[string]ArenaMode{
			"heap":  Heap | Poison | Canary | ViewCopy,
			"mmap":  Mmap | Poison | Canary | ViewCopy,
			"plain": Mmap,
		}
	}
	if raceEnabled {
		delete(m, "mmap") // the race detector sees nothing there
		delete(m, "plain")
	}
	return m
}

func newSpace(tb testing.TB, o Options) *Space {
	tb.Helper()
	s, err := New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// effect is one call of Sink.Effect.
type effect struct {
	db   int
	slot uint16
	argv [][]byte
}

// recorder is a Sink that keeps the effects.
type recorder struct{ effects []effect }

func (r *recorder) Effect(db int, slot uint16, argv [][]byte) {
	e := effect{db: db, slot: slot}
	for _, a := range argv {
		e.argv = append(e.argv, bytes.Clone(a))
	}
	r.effects = append(r.effects, e)
}

// replay applies effects to a Tx's Space and forgets them.
func (r *recorder) replay(t *Tx) error {
	for _, e := range r.effects {
		t.DB = e.db
		var err error
		if e.slot == BarrierSlot {
			t.Exclusive(func() { err = t.Apply(e.argv) })
		} else {
			if got := Slot(e.argv[1]); got != e.slot {
				return fmt.Errorf("effect %q says slot %d, not %d", e.argv, e.slot, got)
			}
			t.LockKey(e.argv[1])
			err = t.Apply(e.argv)
			t.Unlock()
		}
		if err != nil {
			return fmt.Errorf("effect %q: %w", e.argv, err)
		}
	}
	r.effects = r.effects[:0]
	return nil
}

// keyState is all that can be seen of a key.
type keyState struct {
	val      string
	encoding string
	deadline int64 // persistent: none
}

// persistent is no deadline of a test. (The greatest number is a legal one.)
const persistent = math.MinInt64

// dump returns all keys of a database, with expired ones.
func dump(t *Tx, db int) map[string]keyState {
	was, wasDB := t.Applying, t.DB
	t.Applying, t.DB = true, db
	defer func() { t.Applying, t.DB = was, wasDB }()
	m := map[string]keyState{}
	err := t.Keys(AnySlot, func(key []byte, it Item) {
		k := keyState{val: string(it.AppendTo(nil)), encoding: it.Encoding(), deadline: persistent}
		if ms, ok := it.ExpireAt(); ok {
			k.deadline = ms
		}
		if _, twice := m[string(key)]; twice {
			panic("key emitted twice: " + string(key))
		}
		m[string(key)] = k
	})
	if err != nil {
		panic(err)
	}
	return m
}

// model is the state as Go maps have it.
type model struct {
	dbs []map[string]keyState
	now int64
}

func (m *model) live(db int, key string) (keyState, bool) {
	k, ok := m.dbs[db][key]
	if !ok || k.deadline != persistent && k.deadline < m.now {
		return keyState{}, false
	}
	return k, true
}

// access is live for commands that remove an expired key.
func (m *model) access(db int, key string) (keyState, bool) {
	k, ok := m.live(db, key)
	if !ok {
		delete(m.dbs[db], key)
	}
	return k, ok
}

func encodingOf(val string) string {
	if n, err := strconv.ParseInt(val, 10, 64); err == nil && strconv.FormatInt(n, 10) == val {
		return "int"
	}
	if len(val) <= embMax {
		return "embstr"
	}
	return "raw"
}

func (m *model) deadline(db int, key string, ttl TTL) int64 {
	switch ttl.kind {
	case ttlAt:
		return ttl.ms
	case ttlKeep:
		if k, ok := m.live(db, key); ok {
			return k.deadline
		}
	}
	return persistent
}

// driver runs commands that it reads from bytes: random ones, or a fuzzer's.
type driver struct {
	t    testing.TB
	in   []byte
	s    *Space
	tx   *Tx
	sink *recorder
	m    model
	twin *Tx // the Space that the effects are replayed on
	log  []string
}

const driverDBs = 3

func newDriver(t testing.TB, in []byte, o Options) *driver {
	o.Databases = driverDBs
	if o.Stripes == 0 {
		o.Stripes = 4
	}
	d := &driver{t: t, in: in, s: newSpace(t, o), sink: &recorder{}}
	d.tx = d.s.NewTx()
	d.tx.Sink = d.sink
	d.m.now = 1_700_000_000_000
	for range driverDBs {
		d.m.dbs = append(d.m.dbs, map[string]keyState{})
	}
	d.twin = newSpace(t, Options{Databases: driverDBs, Stripes: 2, Arena: Heap}).NewTx()
	d.twin.Now = math.MaxInt64 / 2
	return d
}

// n returns a number below max, 0 when the input is used up.
func (d *driver) n(max int) int {
	if len(d.in) == 0 {
		return 0
	}
	v := int(d.in[0])
	d.in = d.in[1:]
	if max > 256 && len(d.in) > 0 {
		v = v<<8 | int(d.in[0])
		d.in = d.in[1:]
	}
	return v % max
}

// key returns a key: often one of few, some in one slot, some long.
func (d *driver) key() []byte {
	switch d.n(16) {
	case 0:
		return []byte{}
	case 1:
		n := 100 + 50*d.n(128)
		if d.n(64) == 63 {
			n = chunkSize - 40 + d.n(80) // a page run, or just a map of its own
		}
		return append([]byte("long:"), bytes.Repeat([]byte{'x'}, n)...)
	case 2, 3, 4, 5, 6:
		return fmt.Appendf(nil, "{hot}%d", d.n(1024))
	case 7, 8:
		return fmt.Appendf(nil, "k%d", d.n(65536))
	case 9:
		return append([]byte{0, 255, '{', '}'}, byte(d.n(256)))
	}
	return fmt.Appendf(nil, "key:%d", d.n(64))
}

func (d *driver) val() []byte {
	switch d.n(12) {
	case 0:
		return []byte{}
	case 1:
		return strconv.AppendInt(nil, int64(d.n(256))<<(d.n(8)*8), 10)
	case 2:
		return strconv.AppendInt(nil, -int64(d.n(65536)), 10)
	case 3:
		return [][]byte{
			[]byte("9223372036854775807"), []byte("-9223372036854775808"), []byte("9223372036854775808"),
			[]byte("-0"), []byte("007"), []byte("-9223372036854775809"), []byte("12a"), []byte("+1"), []byte("-"), []byte(" 1"),
			[]byte("18446744073709551616"), []byte("99999999999999999999"),
		}[d.n(12)]
	case 4:
		return d.bytes(40 + d.n(10))
	case 5:
		return d.bytes(120 + d.n(16))
	case 6:
		return d.bytes(d.n(6000))
	case 7:
		if d.n(16) == 0 {
			return d.bytes(1<<20 - 20 + d.n(40))
		}
		return d.bytes(4000 + d.n(200))
	}
	return d.bytes(d.n(64))
}

func (d *driver) bytes(n int) []byte {
	b := make([]byte, n)
	c := byte('a' + d.n(26))
	for i := range b {
		b[i] = c + byte(i%7)
	}
	return b
}

func (d *driver) ttl() TTL {
	switch d.n(5) {
	case 0:
		if d.n(32) == 31 {
			return At(math.MaxInt64 - int64(d.n(2)))
		}
		return KeepTTL
	case 1:
		return At(d.m.now + int64(d.n(2000)) - 100)
	case 2:
		return At(d.m.now + 1000*int64(d.n(65536)))
	}
	return NoTTL
}

// ops are the commands, the more frequent ones more than once.
var ops = []func(d *driver){
	(*driver).opSet, (*driver).opSet, (*driver).opSet, (*driver).opSet, (*driver).opSet,
	(*driver).opSetRaw, (*driver).opSetText, (*driver).opSetInt, (*driver).opSetInt,
	(*driver).opSetFilled,
	(*driver).opAppend, (*driver).opAppend, (*driver).opSetRange, (*driver).opSetRange,
	(*driver).opDelete, (*driver).opDelete, (*driver).opDelete,
	(*driver).opExpireAt, (*driver).opExpireAt, (*driver).opPersist,
	(*driver).opRename, (*driver).opCopy, (*driver).opMove,
	(*driver).opLook, (*driver).opLook, (*driver).opLook, (*driver).opPeek,
	(*driver).opTime, (*driver).opDB, (*driver).opSelf, (*driver).opBurst, (*driver).opRare,
}

// run executes the input and compares all state at the end.
func (d *driver) run(checkEach int) {
	for i := 0; len(d.in) > 0; i++ {
		d.tx.Now = d.m.now
		ops[d.n(len(ops))](d)
		if err := d.sink.replay(d.twin); err != nil {
			d.fatalf("K5: %v", err)
		}
		if checkEach > 0 && i%checkEach == 0 {
			d.check()
		}
	}
	d.check()
	d.compare()
}

func (d *driver) fatalf(format string, args ...any) {
	d.t.Helper()
	n := max(0, len(d.log)-20)
	for _, l := range d.log[n:] {
		d.t.Log(l)
	}
	d.t.Fatalf(format, args...)
}

func (d *driver) logf(format string, args ...any) {
	for i, a := range args {
		if b, ok := a.([]byte); ok && len(b) > 40 {
			args[i] = fmt.Sprintf("%s...(%d)", b[:20], len(b))
		}
	}
	d.log = append(d.log, fmt.Sprintf(format, args...))
	if len(d.log) > 1000 {
		d.log = slices.Delete(d.log, 0, 500)
	}
}

func (d *driver) check() {
	d.t.Helper()
	if err := d.s.Check(); err != nil {
		d.fatalf("%v", err)
	}
	if err := d.twin.s.Check(); err != nil {
		d.fatalf("twin: %v", err)
	}
}

// compare compares the Space with the model and with the replayed effects.
func (d *driver) compare() {
	d.t.Helper()
	for db := range driverDBs {
		got := dump(d.tx, db)
		if !maps.Equal(got, d.m.dbs[db]) {
			for k, v := range d.m.dbs[db] {
				if got[k] != v {
					d.fatalf("db %d key %q: have %.60v, want %.60v", db, k, got[k], v)
				}
			}
			d.fatalf("db %d: %d keys, want %d", db, len(got), len(d.m.dbs[db]))
		}
		if twin := dump(d.twin, db); !maps.Equal(twin, got) {
			d.fatalf("K5: db %d: the replayed effects give another state", db)
		}
		var expires int64
		for _, k := range got {
			if k.deadline != persistent {
				expires++
			}
		}
		if keys, exp, _ := d.tx.Counts(db); keys != int64(len(got)) || exp != expires {
			d.fatalf("K3: db %d counts %d keys and %d expires, has %d and %d", db, keys, exp, len(got), expires)
		}
	}
}

// locked runs f with the stripes of keys.
func (d *driver) locked(f func(), keys ...[]byte) {
	if len(keys) == 1 {
		d.tx.LockKey(keys[0])
	} else {
		d.tx.LockKeys(keys)
	}
	defer d.tx.Unlock()
	f()
}

func (d *driver) store(key, val []byte, enc string, ttl TTL) {
	db := d.tx.DB
	k := keyState{val: string(val), encoding: enc, deadline: d.m.deadline(db, string(key), ttl)}
	d.m.dbs[db][string(key)] = k
}

func (d *driver) noError(err error) {
	d.t.Helper()
	if err != nil {
		d.fatalf("%v", err)
	}
}

func (d *driver) opSet() {
	key, val, ttl := d.key(), d.val(), d.ttl()
	d.logf("%d SET %q %q %v", d.tx.DB, key, val, ttl)
	d.locked(func() { d.noError(d.tx.SetBytes(key, val, ttl)) }, key)
	d.store(key, val, encodingOf(string(val)), ttl)
}

func (d *driver) opSetRaw() {
	key, val, ttl := d.key(), d.val(), d.ttl()
	d.logf("%d SETRAW %q %q %v", d.tx.DB, key, val, ttl)
	d.locked(func() { d.noError(d.tx.SetRaw(key, val, ttl)) }, key)
	d.store(key, val, "raw", ttl)
}

// opSetFilled stores the value of a key, turned round, at a key, perhaps the same.
func (d *driver) opSetFilled() {
	key, from := d.key(), d.key()
	d.logf("%d SETFILLED %q from %q", d.tx.DB, key, from)
	old, _ := d.m.access(d.tx.DB, string(from))
	want := []byte(old.val)
	slices.Reverse(want)
	d.locked(func() {
		var src, room []byte
		if it, ok := d.tx.Look(from); ok {
			src = it.Bytes(room)
		}
		d.noError(d.tx.SetFilled(key, len(src), func(b []byte) {
			copy(b, src)
			slices.Reverse(b)
		}))
	}, key, from)
	d.store(key, want, "raw", NoTTL)
}

func (d *driver) opSetText() {
	key, val, ttl := d.key(), d.val(), d.ttl()
	d.logf("%d SETTEXT %q %q %v", d.tx.DB, key, val, ttl)
	d.locked(func() { d.noError(d.tx.SetText(key, val, ttl)) }, key)
	enc := "embstr"
	if len(val) > embMax {
		enc = "raw"
	}
	d.store(key, val, enc, ttl)
}

func (d *driver) opSetInt() {
	key, n, ttl := d.key(), int64(d.n(65536))-1000, d.ttl()
	d.logf("%d SETINT %q %d %v", d.tx.DB, key, n, ttl)
	d.locked(func() { d.noError(d.tx.SetInt(key, n, ttl)) }, key)
	d.store(key, strconv.AppendInt(nil, n, 10), "int", ttl)
}

func (d *driver) opAppend() {
	key, tail := d.key(), d.val()
	d.logf("%d APPEND %q %q", d.tx.DB, key, tail)
	old, ok := d.m.access(d.tx.DB, string(key))
	d.locked(func() {
		n, err := d.tx.Append(key, tail)
		d.noError(err)
		if n != len(old.val)+len(tail) {
			d.fatalf("APPEND %q: %d, want %d", key, n, len(old.val)+len(tail))
		}
	}, key)
	if ok {
		d.store(key, append([]byte(old.val), tail...), "raw", KeepTTL)
	} else {
		d.store(key, tail, encodingOf(string(tail)), NoTTL)
	}
}

func (d *driver) opSetRange() {
	key, off, val := d.key(), d.n(5000), d.val()
	if d.n(4) > 0 {
		off %= 50
	}
	d.logf("%d SETRANGE %q %d %q", d.tx.DB, key, off, val)
	old, ok := d.m.access(d.tx.DB, string(key))
	want := []byte(old.val)
	if len(val) > 0 {
		if n := off + len(val) - len(want); n > 0 {
			want = append(want, make([]byte, n)...)
		}
		copy(want[off:], val)
	}
	d.locked(func() {
		if len(val)%2 == 1 {
			d.noError(d.tx.Patch(key, off, val))
			return
		}
		n, err := d.tx.SetRange(key, off, val)
		d.noError(err)
		if n != len(want) {
			d.fatalf("SETRANGE %q: %d, want %d", key, n, len(want))
		}
	}, key)
	if len(val) > 0 {
		ttl := NoTTL
		if ok {
			ttl = KeepTTL
		}
		d.store(key, want, "raw", ttl)
	}
}

func (d *driver) opDelete() {
	key := d.key()
	d.logf("%d DEL %q", d.tx.DB, key)
	_, want := d.m.access(d.tx.DB, string(key))
	d.locked(func() {
		if got := d.tx.Delete(key); got != want {
			d.fatalf("DEL %q: %v, want %v", key, got, want)
		}
	}, key)
	delete(d.m.dbs[d.tx.DB], string(key))
}

func (d *driver) opExpireAt() {
	key, ms := d.key(), d.m.now+int64(d.n(65536))<<(3*d.n(6))-100
	if ms&31 == 31 {
		ms = math.MaxInt64
	}
	d.logf("%d PEXPIREAT %q %d", d.tx.DB, key, ms)
	k, want := d.m.access(d.tx.DB, string(key))
	d.locked(func() {
		if got := d.tx.ExpireAt(key, ms); got != want {
			d.fatalf("PEXPIREAT %q: %v, want %v", key, got, want)
		}
	}, key)
	if want {
		k.deadline = ms
		d.m.dbs[d.tx.DB][string(key)] = k
	}
}

func (d *driver) opPersist() {
	key := d.key()
	d.logf("%d PERSIST %q", d.tx.DB, key)
	k, ok := d.m.access(d.tx.DB, string(key))
	want := ok && k.deadline != persistent
	d.locked(func() {
		if got := d.tx.Persist(key); got != want {
			d.fatalf("PERSIST %q: %v, want %v", key, got, want)
		}
	}, key)
	if want {
		k.deadline = persistent
		d.m.dbs[d.tx.DB][string(key)] = k
	}
}

func (d *driver) opRename() {
	src, dst := d.key(), d.key()
	d.logf("%d RENAME %q %q", d.tx.DB, src, dst)
	k, want := d.m.access(d.tx.DB, string(src))
	d.locked(func() {
		got, err := d.tx.Rename(src, dst)
		d.noError(err)
		if got != want {
			d.fatalf("RENAME %q %q: %v, want %v", src, dst, got, want)
		}
	}, src, dst)
	if want {
		delete(d.m.dbs[d.tx.DB], string(src))
		d.m.dbs[d.tx.DB][string(dst)] = k
	}
}

func (d *driver) opCopy() {
	src, dst, db, replace := d.key(), d.key(), d.n(driverDBs), d.n(2) == 1
	d.logf("%d COPY %q %d %q %v", d.tx.DB, src, db, dst, replace)
	want := false
	k := keyState{}
	if db != d.tx.DB || !bytes.Equal(src, dst) {
		if _, there := d.m.live(db, string(dst)); replace || !there {
			k, want = d.m.access(d.tx.DB, string(src))
		}
	}
	d.locked(func() {
		got, err := d.tx.Copy(src, db, dst, replace)
		d.noError(err)
		if got != want {
			d.fatalf("COPY %q %q: %v, want %v", src, dst, got, want)
		}
	}, src, dst)
	if want {
		d.m.dbs[db][string(dst)] = k
	}
}

func (d *driver) opMove() {
	key, db := d.key(), d.n(driverDBs)
	d.logf("%d MOVE %q %d", d.tx.DB, key, db)
	want := false
	k := keyState{}
	if db != d.tx.DB {
		if _, there := d.m.live(db, string(key)); !there {
			k, want = d.m.access(d.tx.DB, string(key))
		}
	}
	d.locked(func() {
		got, err := d.tx.Move(key, db)
		d.noError(err)
		if got != want {
			d.fatalf("MOVE %q: %v, want %v", key, got, want)
		}
	}, key)
	if want {
		delete(d.m.dbs[d.tx.DB], string(key))
		d.m.dbs[db][string(key)] = k
	}
}

func (d *driver) opLook() { d.look((*Tx).Look) }
func (d *driver) opPeek() { d.look((*Tx).Peek) }

func (d *driver) look(f func(*Tx, []byte) (Item, bool)) {
	key := d.key()
	d.logf("%d GET %q", d.tx.DB, key)
	want, live := d.m.access(d.tx.DB, string(key))
	d.locked(func() {
		it, ok := f(d.tx, key)
		if ok != live {
			d.fatalf("GET %q: %v, want %v", key, ok, live)
		}
		if !ok {
			return
		}
		got := keyState{val: string(it.Bytes(make([]byte, 0, 20))), encoding: it.Encoding(), deadline: persistent}
		if ms, ok := it.ExpireAt(); ok {
			got.deadline = ms
		}
		if got != want {
			d.fatalf("GET %q: %.80v, want %.80v", key, got, want)
		}
		if it.Len() != len(want.val) || it.Type() != TypeString || it.Size() < len(key) {
			d.fatalf("GET %q: length %d, type %v, size %d", key, it.Len(), it.Type(), it.Size())
		}
		n, isInt := it.Int()
		if isInt != (encodingOf(want.val) == "int") || (isInt && strconv.FormatInt(n, 10) != want.val) {
			d.fatalf("GET %q: as a number %d, %v", key, n, isInt)
		}
	}, key)
}

// opTime moves the clock, sometimes back.
func (d *driver) opTime() {
	d.m.now += int64(d.n(512)) - 50
	d.logf("now %d", d.m.now)
}

func (d *driver) opDB() {
	d.tx.DB = d.n(driverDBs)
}

// opSelf uses a key's own value as an argument: slices of the arena are allowed there.
func (d *driver) opSelf() {
	key, what := d.key(), d.n(3)
	old, ok := d.m.access(d.tx.DB, string(key))
	d.logf("%d SELF %q %d", d.tx.DB, key, what)
	d.locked(func() {
		it, found := d.tx.Look(key)
		if found != ok {
			d.fatalf("GET %q: %v, want %v", key, found, ok)
		}
		if !found {
			return
		}
		v := it.Bytes(make([]byte, 0, 20))
		half := v[len(v)/2:]
		tail := old.val[len(old.val)/2:]
		switch what {
		case 0:
			_, err := d.tx.Append(key, half)
			d.noError(err)
			d.store(key, []byte(old.val+tail), "raw", KeepTTL)
		case 1:
			d.noError(d.tx.SetBytes(key, half, NoTTL))
			d.store(key, []byte(tail), encodingOf(tail), NoTTL)
		case 2:
			if len(half) == 0 {
				return
			}
			_, err := d.tx.SetRange(key, 3, half)
			d.noError(err)
			want := []byte(old.val)
			if n := 3 + len(tail) - len(want); n > 0 {
				want = append(want, make([]byte, n)...)
			}
			copy(want[3:], tail)
			d.store(key, want, "raw", KeepTTL)
		}
	}, key)
}

// opBurst sets or deletes many keys of one slot, so that segments grow, split and shrink.
func (d *driver) opBurst() {
	from, n, del := d.n(1024), d.n(128), d.n(2) == 1
	d.logf("%d BURST %d %d %v", d.tx.DB, from, n, del)
	for i := range n {
		key := fmt.Appendf(nil, "{hot}%d", from+i)
		d.locked(func() {
			if del {
				_, want := d.m.access(d.tx.DB, string(key))
				if got := d.tx.Delete(key); got != want {
					d.fatalf("DEL %q: %v, want %v", key, got, want)
				}
				delete(d.m.dbs[d.tx.DB], string(key))
				return
			}
			d.noError(d.tx.SetBytes(key, key, NoTTL))
			d.store(key, key, encodingOf(string(key)), NoTTL)
		}, key)
	}
}

// opRare does what is expensive or would leave too little.
func (d *driver) opRare() {
	switch d.n(12) {
	case 0:
		if d.n(8) != 0 {
			return
		}
		d.logf("FLUSHALL")
		d.tx.Exclusive(d.tx.FlushAll)
		for _, m := range d.m.dbs {
			clear(m)
		}
	case 1:
		if d.n(4) != 0 {
			return
		}
		d.logf("%d FLUSHDB", d.tx.DB)
		d.tx.Exclusive(d.tx.FlushDB)
		clear(d.m.dbs[d.tx.DB])
	case 2:
		a, b := d.n(driverDBs), d.n(driverDBs)
		d.logf("SWAPDB %d %d", a, b)
		d.tx.Exclusive(func() { d.tx.SwapDB(a, b) })
		d.m.dbs[a], d.m.dbs[b] = d.m.dbs[b], d.m.dbs[a]
	case 3, 4:
		d.logf("UPKEEP")
		for i := range d.s.stripes {
			st := &d.s.stripes[i]
			d.s.lockStripe(st)
			d.s.upkeep(st)
			d.s.unlockStripe(st)
		}
		d.s.returnMemory(0)
	case 5, 6:
		d.opScan()
	case 7:
		d.opRandom()
	case 8:
		d.compare()
	}
}

// opScan compares a whole scan with the live keys of the model (K8 without changes meanwhile).
func (d *driver) opScan() {
	seen := map[string]bool{}
	count := 1 + d.n(50)
	d.logf("%d SCAN %d", d.tx.DB, count)
	for cursor := uint64(0); ; {
		var err error
		cursor, err = d.tx.Scan(cursor, count, AnySlot, func(key []byte, _ Item) {
			if seen[string(key)] {
				d.fatalf("SCAN: %q twice", key)
			}
			seen[string(key)] = true
		})
		d.noError(err)
		if cursor == 0 {
			break
		}
	}
	live := 0
	for k := range d.m.dbs[d.tx.DB] {
		if _, ok := d.m.live(d.tx.DB, k); ok {
			live++
			if !seen[k] {
				d.fatalf("SCAN: %q is missing", k)
			}
		}
	}
	if live != len(seen) {
		d.fatalf("SCAN: %d keys, want %d", len(seen), live)
	}
}

func (d *driver) opRandom() {
	live := 0
	for k := range d.m.dbs[d.tx.DB] {
		if _, ok := d.m.live(d.tx.DB, k); ok {
			live++
		}
	}
	key, ok, err := d.tx.RandomKey(nil)
	d.noError(err)
	if ok != (live > 0) {
		d.fatalf("RANDOMKEY: %v with %d keys", ok, live)
	}
	if _, there := d.m.live(d.tx.DB, string(key)); ok && !there {
		d.fatalf("RANDOMKEY: %q", key)
	}
}

// seed returns the seed of a random test, which it logs; KEYSPACE_SEED repeats one.
func seed(t testing.TB) *rand.Rand {
	n := rand.Uint64()
	if v := os.Getenv("KEYSPACE_SEED"); v != "" {
		var err error
		if n, err = strconv.ParseUint(v, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("KEYSPACE_SEED=%d", n)
	return rand.New(rand.NewPCG(n, 1))
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestModel(t *testing.T) {
	t.Parallel()
	for name, mode := range testModes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := seed(t)
			for range effort(4) {
				newDriver(t, randomBytes(r, 30_000), Options{Arena: mode, Stripes: 1 << r.IntN(4)}).run(200)
			}
		})
	}
}

// TestModelCheckEach checks all invariants after each command.
func TestModelCheckEach(t *testing.T) {
	t.Parallel()
	for name, mode := range testModes() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := seed(t)
			for range effort(4) {
				newDriver(t, randomBytes(r, 1000), Options{Arena: mode}).run(1)
			}
		})
	}
}

func FuzzModel(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		f.Add(randomBytes(r, 600))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if len(in) > 4096 {
			t.Skip("long inputs find nothing that short ones do not")
		}
		mode := Heap
		if debug {
			mode |= Poison | Canary | ViewCopy
		}
		newDriver(t, in, Options{Arena: mode, Stripes: 2}).run(32)
	})
}
