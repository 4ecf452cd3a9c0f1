package keyspace

import "math/rand/v2"

// A record has 24 bits about its use, as in Redis. Which of the two they are, the
// policy in force says; those written before it changed are read as they come.
//
//	LRU   | seconds 24 |
//	LFU   | minutes 16 | logarithmic counter 8 |
const (
	clockBits   = 24
	clockMask   = 1<<clockBits - 1
	minuteMask  = 1<<16 - 1
	counterBits = 8
	counterMax  = 1<<counterBits - 1
	counterInit = 5 // of a new key, so that it can gather some uses

	// A use may seem to lie in the future, because event loops read the clock one
	// after the other, or because it was set back. It counts as now up to a day.
	skewSeconds = 24 * 3600
	skewMinutes = 24 * 60
)

// lruClock is Redis' clock of access times: seconds, 24 bits.
func lruClock(nowMs int64) uint32 { return uint32(nowMs/1000) & clockMask }

// idleSeconds returns how long ago a use of the LRU clock was.
func idleSeconds(use uint32, nowMs int64) int64 {
	idle := (lruClock(nowMs) - use) & clockMask
	if idle > clockMask-skewSeconds {
		return 0
	}
	return int64(idle)
}

// lfu is how uses are counted while an LFU policy is in force.
type lfu struct {
	logFactor int   // how much harder each step of the counter is than the one before
	decay     int64 // minutes that take one from the counter; 0: nothing does
}

func lfuMinutes(nowMs int64) uint32 { return uint32(nowMs/60_000) & minuteMask }

func (l *lfu) fresh(nowMs int64) uint32 { return lfuMinutes(nowMs)<<counterBits | counterInit }

// elapsed returns the minutes since the last use.
func (l *lfu) elapsed(use uint32, nowMs int64) int64 {
	n := (lfuMinutes(nowMs) - use>>counterBits) & minuteMask
	if n > minuteMask-skewMinutes {
		return 0
	}
	return int64(n)
}

// counter returns the counter less what the time since the last use takes from it.
func (l *lfu) counter(use uint32, nowMs int64) int64 {
	n := int64(use & counterMax)
	if l.decay == 0 {
		return n
	}
	return max(0, n-l.elapsed(use, nowMs)/l.decay)
}

// used returns what one more use makes of a record's bits: the counter grows with
// a probability that falls with its height.
func (l *lfu) used(use uint32, nowMs int64) uint32 {
	n := l.counter(use, nowMs)
	if n < counterMax {
		if odds := max(0, n-counterInit)*int64(l.logFactor) + 1; odds == 1 || rand.Int64N(odds) == 0 {
			n++
		}
	}
	return lfuMinutes(nowMs)<<counterBits | uint32(n)
}

// countUse is the touch of a look-up while an LFU policy is in force.
func (t *Tx) countUse(l *lfu, r *rec) {
	r.touch(l.used(r.lru(), t.Now))
	t.last.counted = true
}

// use returns the bits of the record that a store leaves at a place.
func (t *Tx) use(p *place) uint32 {
	if t.s.lfu.Load() == nil {
		return lruClock(t.Now)
	}
	return t.useLFU(p)
}

// freshUse returns the bits of a new key.
func (t *Tx) freshUse() uint32 {
	if l := t.s.lfu.Load(); l != nil {
		return l.fresh(t.Now)
	}
	return lruClock(t.Now)
}

func (t *Tx) useLFU(p *place) uint32 {
	l := t.s.lfu.Load()
	switch {
	case l == nil:
		return lruClock(t.Now)
	case !p.live():
		return l.fresh(t.Now)
	case t.last.counted && t.last.slot == p.slot && t.last.frag == p.frag:
		return p.r.lru() // the command looked the key up before
	}
	return l.used(p.r.lru(), t.Now)
}

// SetUse gives a key what another server knew of its use: the seconds that it was
// idle, or its counter, whichever the policy in force wants; -1 if it is not
// known. It returns false, with nothing done, if there is no such key.
func (t *Tx) SetUse(key []byte, idleSeconds int64, counter int) bool {
	var p place
	t.locate(&p, t.DB, key)
	if !p.live() {
		return false
	}
	switch l := t.s.lfu.Load(); {
	case l != nil && counter >= 0:
		p.r.touch(lfuMinutes(t.Now)<<counterBits | uint32(min(counter, counterMax)))
	case l == nil && idleSeconds >= 0:
		p.r.touch((lruClock(t.Now) - uint32(min(idleSeconds, clockMask-skewSeconds))) & clockMask)
	}
	return true
}
