package keyspace

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
)

// wheelModel is a wheel with records that are kept in plain Go, and a clock.
type wheelModel struct {
	t     testing.TB
	a     arena
	w     wheel
	due   wheelDue
	recs  []*modelRecord // by ref
	order map[uint64][]uint32
	live  int // records with a deadline
	now   int64
	refs  []uint32
}

type modelRecord struct {
	order    uint64
	kind     byte
	deadline int64
	gone     bool
}

func newWheelModel(t testing.TB, mode ArenaMode) *wheelModel {
	src := &mapper{heap: true}
	return &wheelModel{
		t: t, a: newArena(src, mode), order: map[uint64][]uint32{},
		recs: []*modelRecord{nil}, now: 1_700_000_000_000,
	}
}

func (m *wheelModel) match(order uint64) []uint32 {
	m.refs = append(m.refs[:0], m.order[order]...)
	return m.refs
}

func (m *wheelModel) deadline(ref uint32) (byte, int64) {
	return m.recs[ref].kind, m.recs[ref].deadline
}

func (m *wheelModel) touch(a *arena, c chain, n int) {
	for i := range n {
		c.at(a, c.used()-1-i)
	}
}

func (m *wheelModel) mark(ref uint32, filed bool) {
	if filed {
		m.recs[ref].kind |= flagWheel
	} else {
		m.recs[ref].kind &^= flagWheel
	}
}

func (m *wheelModel) expire(order uint64, ref uint32) bool {
	r := m.recs[ref]
	if r.order != order || r.gone || r.deadline >= m.now {
		m.t.Fatalf("expire of %+v at %d", r, m.now)
	}
	m.remove(ref)
	return true
}

func (m *wheelModel) add(order uint64) uint32 {
	ref := uint32(len(m.recs))
	m.recs = append(m.recs, &modelRecord{order: order, kind: 1})
	m.order[order] = append(m.order[order], ref)
	return ref
}

// remove is DEL.
func (m *wheelModel) remove(ref uint32) {
	r := m.recs[ref]
	r.gone = true
	m.order[r.order] = slices.DeleteFunc(m.order[r.order], func(x uint32) bool { return x == ref })
	m.persist(ref)
}

func (m *wheelModel) persist(ref uint32) {
	r := m.recs[ref]
	if r.kind&flagExpiry == 0 {
		return
	}
	r.kind, r.deadline = 1, 0
	m.live--
	m.w.drop(&m.due, 0)
}

func (m *wheelModel) setDeadline(ref uint32, ms int64) {
	r := m.recs[ref]
	if err := m.w.reserve(&m.a); err != nil {
		m.t.Fatal(err)
	}
	if r.kind&flagExpiry == 0 {
		m.live++
	}
	r.kind = r.kind&^(flagExpiry|flagWheel) |
		m.w.file(&m.a, &m.due, 0, r.order, r.kind, r.deadline, ms, m.now)
	r.deadline = ms
}

// unlock is what an operation does at its end.
func (m *wheelModel) unlock() {
	if m.due.debt != 0 {
		if _, err := m.w.clean(&m.a, m, min(maxSlice, int(m.due.debt)*cleanVisits)); err != nil {
			m.t.Fatal(err)
		}
		m.due.debt = 0
	}
}

func (m *wheelModel) entries() int {
	if m.w.s == nil {
		return 0
	}
	return m.w.s.entries
}

// fire advances to the end in slices and checks that nothing is overdue. What is
// filed with a deadline in the past fires with the next tick; a clock that goes
// back a little stops the wheel.
func (m *wheelModel) fire(slice int) {
	for range 2 {
		m.drain(slice)
		m.now += (rewindSlack + 2) << tickShift
	}
	m.now -= (rewindSlack + 2) << tickShift
	for _, r := range m.recs[1:] {
		if r.kind&flagExpiry != 0 && tickOf(r.deadline) < tickOf(m.now) && !r.gone {
			m.t.Fatalf("%+v is overdue at %d", r, m.now)
		}
	}
}

func (m *wheelModel) drain(slice int) {
	for {
		n, err := m.w.advance(&m.a, m, m.now, slice)
		if err != nil {
			m.t.Fatal(err)
		}
		if n > slice {
			m.t.Fatalf("a slice of %d handled %d", slice, n)
		}
		if n < slice {
			return
		}
	}
}

// cleanUp cleans to the end and checks the bound of K11.
func (m *wheelModel) cleanUp(slice int) {
	for looked := 0; ; {
		n, err := m.w.clean(&m.a, m, slice)
		if err != nil {
			m.t.Fatal(err)
		}
		if looked += n; n < slice {
			break
		}
		if looked > 100*(m.entries()+1000) {
			m.t.Fatalf("cleaning does not end: %d entries, %d keys", m.entries(), m.live)
		}
	}
	if overfull(m.entries(), m.live) {
		m.t.Fatalf("K11: %d entries for %d keys", m.entries(), m.live)
	}
}

func (m *wheelModel) check() {
	var keys []wheelKey
	for _, r := range m.recs[1:] {
		if r.kind&flagExpiry != 0 && !r.gone {
			keys = append(keys, wheelKey{r.order, r.deadline, r.kind&flagWheel != 0})
		}
	}
	if err := m.w.check(&m.a, keys); err != nil {
		m.t.Fatal(err)
	}
}

// checkCells verifies that the arena's live bytes are the wheel's.
func (m *wheelModel) checkCells() {
	var n int64
	m.w.eachCell(&m.a, func(_ uint32, size int) { n += int64(m.a.size(size)) })
	if n != m.a.used {
		m.t.Fatalf("the wheel has %d bytes of cells, the arena %d", n, m.a.used)
	}
}

func (m *wheelModel) close() {
	for m.w.freeSome(&m.a, 3) {
	}
	if m.a.used != 0 {
		m.t.Fatalf("%d bytes left", m.a.used)
	}
}

// source gives the decisions of a run, from a fuzzer's bytes or at random.
type source struct {
	data []byte
	rnd  *rand.Rand
}

func (s *source) next(n int) int {
	if s.rnd != nil {
		return s.rnd.IntN(n)
	}
	if len(s.data) == 0 {
		return 0
	}
	v := int(s.data[0])
	s.data = s.data[1:]
	if n > 256 && len(s.data) > 0 {
		v = v<<8 | int(s.data[0])
		s.data = s.data[1:]
	}
	return v % n
}

func (s *source) done() bool { return s.rnd == nil && len(s.data) == 0 }

// The distances of deadlines and clock jumps, in milliseconds: each level of
// the wheel, its edges, and beyond its 99 days.
var distances = []int64{
	0, 1, 7, 8, 9, 60, 500, 511, 512, 513, 5_000, 32_767, 32_768, 60_000, 1_800_000, 2_097_152,
	3_600_000, 86_400_000, 134_217_728, 10 * 86_400_000, 98 * 86_400_000, 99 * 86_400_000,
	100 * 86_400_000, 365 * 86_400_000, 20 * 365 * 86_400_000, 500 * 365 * 86_400_000,
}

func (s *source) distance() int64 {
	d := distances[s.next(len(distances))]
	if d > 1 && s.next(2) == 0 {
		d += int64(s.next(int(min(d, 1<<15))))
	}
	return d
}

// drive makes random operations on a wheel and checks it after each.
func drive(m *wheelModel, s *source, steps, orders int) {
	var live []uint32
	pick := func() (uint32, bool) {
		live = slices.DeleteFunc(live, func(r uint32) bool { return m.recs[r].gone })
		if len(live) == 0 {
			return 0, false
		}
		return live[s.next(len(live))], true
	}
	for i := 0; i < steps && !s.done(); i++ {
		switch op := s.next(24); op {
		case 0, 1, 2, 3: // SET EX of a new key; few orders, so that some are equal
			if len(live) < 3*orders {
				ref := m.add(uint64(s.next(orders)) * 0x9E3779B97F4A % (1 << 46))
				live = append(live, ref)
				m.setDeadline(ref, m.now+s.distance())
			}
		case 4, 5, 6: // EXPIRE
			if ref, ok := pick(); ok {
				m.setDeadline(ref, m.now+s.distance())
			}
		case 7: // a deadline in the past, as a log being replayed has
			if ref, ok := pick(); ok {
				m.setDeadline(ref, m.now-s.distance())
			}
		case 8: // PERSIST and EXPIRE
			if ref, ok := pick(); ok {
				was := m.recs[ref].deadline
				m.persist(ref)
				if s.next(2) == 0 {
					was = m.now + s.distance()
				}
				m.setDeadline(ref, was)
			}
		case 9:
			if ref, ok := pick(); ok {
				m.persist(ref)
			}
		case 10:
			if ref, ok := pick(); ok {
				m.remove(ref)
			}
		case 11, 12: // a client that alternates deadlines; absolute ones too
			if ref, ok := pick(); ok {
				d, far, near := m.now, s.distance(), s.distance()
				for range s.next(100) {
					m.setDeadline(ref, d+far)
					m.setDeadline(ref, d+near)
					if s.next(4) == 0 {
						m.now++
						d = m.now
					}
					m.unlock()
				}
			}
		case 13, 14: // the clock goes on
			m.now += int64(s.next(40))
		case 15, 16:
			m.now += min(s.distance(), 40_000)
		case 17: // and jumps
			m.now += s.distance()
		case 18:
			m.now = max(0, m.now-s.distance())
		case 19:
			m.fire(1 + s.next(300))
		case 20, 21: // a single slice
			if _, err := m.w.advance(&m.a, m, m.now, 1+s.next(8)); err != nil {
				m.t.Fatal(err)
			}
		case 22:
			if _, err := m.w.clean(&m.a, m, 1+s.next(16)); err != nil {
				m.t.Fatal(err)
			}
		case 23:
			m.cleanUp(1 + s.next(64))
		}
		m.unlock()
		m.check()
	}
	m.checkCells()
	m.cleanUp(maxSlice)
	m.check()
	m.fire(maxSlice)
	m.check()
	m.checkCells()
	m.close()
}

func wheelModes() []ArenaMode {
	if debug {
		return []ArenaMode{Heap | Poison | Canary}
	}
	return []ArenaMode{Heap}
}

// TestK11Wheel drives wheels at random; each step is checked.
func TestK11Wheel(t *testing.T) {
	t.Parallel()
	for i := range effort(300) {
		seed := rand.Uint64()
		s := &source{rnd: rand.New(rand.NewPCG(seed, uint64(i)))}
		ok := t.Run(fmt.Sprintf("%d-%d", seed, i), func(t *testing.T) {
			for _, mode := range wheelModes() {
				drive(newWheelModel(t, mode), s, 400, 1+s.next(60))
			}
		})
		if !ok {
			return
		}
	}
}

func FuzzWheel(f *testing.F) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 8 {
		b := make([]byte, 600)
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		data = data[:min(len(data), 4096)]
		s := &source{data: data}
		drive(newWheelModel(t, wheelModes()[0]), s, math.MaxInt, 1+s.next(60))
	})
}

// TestK11Attack: whatever a client does to the deadlines of a fixed number of
// keys, the operations' own cleaning bounds the entries.
func TestK11Attack(t *testing.T) {
	t.Parallel()
	const day = 86_400_000
	attacks := map[string]func(m *wheelModel, ref uint32, i int){
		"alternate": func(m *wheelModel, ref uint32, i int) {
			m.setDeadline(ref, m.now+10_000+int64(i%2)*1_000_000)
		},
		"alternate absolute": func(m *wheelModel, ref uint32, i int) {
			m.setDeadline(ref, 1_800_000_000_000+int64(i%2)*1_000_000)
		},
		"alternate years": func(m *wheelModel, ref uint32, i int) {
			m.setDeadline(ref, m.now+365*day+int64(i%2)*400*day)
		},
		"persist": func(m *wheelModel, ref uint32, i int) {
			m.persist(ref)
			m.setDeadline(ref, m.now+3_600_000)
		},
		"persist absolute": func(m *wheelModel, ref uint32, i int) {
			m.persist(ref)
			m.setDeadline(ref, 1_800_000_000_000)
		},
		"down": func(m *wheelModel, ref uint32, i int) { // each deadline earlier
			m.setDeadline(ref, m.now+1000*day-int64(i)*1000)
		},
		"overdue": func(m *wheelModel, ref uint32, i int) { // a log's past deadlines, not fired
			m.persist(ref)
			m.setDeadline(ref, m.now-day)
		},
		"five": func(m *wheelModel, ref uint32, i int) {
			m.setDeadline(ref, m.now+distances[5+i*7%5*4]+60_000)
		},
	}
	for name, attack := range attacks {
		for _, keys := range []int{1, 10, 2000} {
			for _, speed := range []int64{0, 1, 50} {
				t.Run(fmt.Sprintf("%s/%d/%d", name, keys, speed), func(t *testing.T) {
					m := newWheelModel(t, wheelModes()[0])
					for i := range keys {
						m.setDeadline(m.add(uint64(i)<<32|uint64(i)), m.now+5*day)
					}
					worst := 0
					for round := range max(20, 20_000/keys) {
						for ref := 1; ref <= keys; ref++ {
							attack(m, uint32(ref), round)
							m.unlock()
							worst = max(worst, m.entries())
						}
						m.now += speed
					}
					m.check()
					if limit := 3*keys + 128; worst > limit {
						t.Errorf("%d entries for %d keys, more than %d", worst, keys, limit)
					}
					m.cleanUp(maxSlice)
					m.check()
					m.checkCells()
				})
			}
		}
	}
}

// TestWheelDelete: keys that are deleted before their deadline do not leave their
// entries for long.
func TestWheelDelete(t *testing.T) {
	m := newWheelModel(t, wheelModes()[0])
	const keys = 20_000
	for i := range keys {
		m.setDeadline(m.add(uint64(i)*7919), m.now+int64(i)*100)
	}
	for ref := uint32(1); ref <= keys; ref++ {
		m.remove(ref)
		m.unlock()
		if n, limit := m.entries(), 4*m.live+256; n > limit {
			t.Fatalf("%d entries for %d keys", n, m.live)
		}
	}
	m.cleanUp(maxSlice)
	m.check()
	m.close()
}

// TestWheelJump: after any jump of the clock the number of steps depends on the
// entries, not on the distance.
func TestWheelJump(t *testing.T) {
	m := newWheelModel(t, wheelModes()[0])
	const keys = 1000
	for i := range keys {
		m.setDeadline(m.add(uint64(i)<<20), m.now+int64(i)*int64(i)*86_400)
	}
	m.now += 50 * 365 * 86_400_000
	n, err := m.w.advance(&m.a, m, m.now, 10*keys)
	if err != nil || n > 2*keys {
		t.Fatalf("%d entries handled for %d keys: %v", n, keys, err)
	}
	if m.live != 0 {
		t.Fatalf("%d keys left", m.live)
	}
}

// TestWheelClockBack: keys set after the clock was set back are removed in time,
// those from before are neither lost nor removed early.
func TestWheelClockBack(t *testing.T) {
	m := newWheelModel(t, wheelModes()[0])
	for i := range 100 {
		m.setDeadline(m.add(uint64(i)), m.now+int64(i)*distances[i%len(distances)])
	}
	m.fire(maxSlice)
	m.now -= 7_200_000
	m.fire(4)
	live := m.live
	early := m.add(1000)
	m.setDeadline(early, m.now+1000)
	m.check()
	m.now += 1016
	m.fire(maxSlice)
	if !m.recs[early].gone || m.live != live {
		t.Fatalf("key gone: %v, others %d of %d", m.recs[early].gone, m.live, live)
	}
	m.check()
}

// TestWheelMemory: reserve reports a failure, and after it file does not fail;
// firing that cannot move an entry leaves it and goes on later.
func TestWheelMemory(t *testing.T) {
	errNo := errors.New("no memory")
	m := newWheelModel(t, wheelModes()[0])
	m.setDeadline(m.add(1), m.now+1_000_000)
	m.a.src.failForTest = func() error { return errNo }
	exhaust := func(size int) {
		for {
			if _, err := m.a.alloc(size); err != nil {
				return
			}
		}
	}
	for _, size := range []int{512, 256, 128, 64, 32} {
		exhaust(size)
	}
	for i := uint64(2); ; i++ {
		if err := m.w.reserve(&m.a); err != nil {
			if !errors.Is(err, errNo) {
				t.Fatal(err)
			}
			break
		}
		m.setDeadline(m.add(i), m.now+int64(i)*100_000)
		if i > 100 {
			t.Fatal("there is no end to the memory")
		}
	}
	m.check()
	m.now += 1_000_000
	_, err := m.w.advance(&m.a, m, m.now, maxSlice)
	for i := 0; err != nil && i < 10; i++ {
		m.check()
		_, err = m.w.advance(&m.a, m, m.now, maxSlice)
	}
	m.check()
	m.a.src.failForTest = nil
	m.fire(maxSlice)
	m.check()
}

// TestWheelUnused: a wheel that nothing was filed in is one word.
func TestWheelUnused(t *testing.T) {
	var w wheel
	if n := reflect.TypeOf(w).Size(); n > 8 {
		t.Errorf("%d bytes", n)
	}
	w.s = &wheelState{}
	if want := int(reflect.TypeOf(*w.s).Size()); wheelBytes != want {
		t.Errorf("wheelBytes = %d, the state has %d", wheelBytes, want)
	}
}

func BenchmarkWheelAdd(b *testing.B) {
	m := newWheelModel(b, Heap)
	m.a.src.heap = !canMap
	rnd := rand.New(rand.NewPCG(1, 2))
	b.ReportAllocs()
	for b.Loop() {
		_ = m.w.reserve(&m.a)
		x := rnd.Uint64()
		m.w.file(&m.a, &m.due, 0, x>>18, 0, 0, m.now+int64(x&0xFFFFF), m.now)
	}
	b.ReportMetric(float64(m.a.used)/float64(m.entries()), "B/key")
}

// flatRecords are records without an index: the wheel's own cost.
type flatRecords struct {
	refs [1]uint32
	gone int
	w    *wheel
	due  wheelDue
}

func (r *flatRecords) match(order uint64) []uint32 {
	r.refs[0] = uint32(order)
	return r.refs[:]
}
func (r *flatRecords) deadline(ref uint32) (byte, int64) { return flagExpiry, r.at(ref) }

// at spreads deadlines over a minute.
func (r *flatRecords) at(ref uint32) int64 {
	return 1_700_000_000_000 + int64(uint64(ref*2_654_435_761)*60_000>>32)
}
func (r *flatRecords) touch(*arena, chain, int) {}
func (r *flatRecords) mark(uint32, bool)        {}
func (r *flatRecords) expire(uint64, uint32) bool {
	r.gone++
	r.w.drop(&r.due, 0)
	return true
}

// BenchmarkWheelLife is a key's whole way through the wheel: filed with a
// deadline within a minute, cascaded, fired.
func BenchmarkWheelLife(b *testing.B) {
	const keys = 1 << 20
	peak := int64(0)
	for b.Loop() {
		a := newArena(&mapper{heap: !canMap}, Mmap)
		w := &wheel{}
		r := &flatRecords{w: w}
		for i := range keys {
			_ = w.reserve(&a)
			w.file(&a, &r.due, 0, uint64(i), 0, 0, r.at(uint32(i)), 1_700_000_000_000)
		}
		peak = a.used
		for now := int64(1_700_000_000_000); now < 1_700_000_060_020; now += 8 {
			for {
				if n, _ := w.advance(&a, r, now, maxSlice); n < maxSlice {
					break
				}
			}
		}
		if r.gone != keys {
			b.Fatal(r.gone)
		}
		for _, m := range a.release() {
			a.src.give(m)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/keys, "ns/key")
	b.ReportMetric(float64(peak)/keys, "B/key")
}
