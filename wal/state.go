package wal

import (
	"errors"
	"sync"
	"sync/atomic"
	"syscall"
)

// ErrPark is returned by Admit when a write has to wait; see Log.Admitted.
var ErrPark = errors.New("wal: the log is behind")

// The reasons why a write may not execute now, as bits.
const (
	stateFull      uint32 = 1 << iota // too much is not durable yet
	stateLate                         // the sync of EverySec is late
	stateNoSegment                    // no next segment can be prepared, or the disk is full
	stateFailed                       // the disk has failed, for good
)

// states says whether writes are admitted.
type states struct {
	bits    atomic.Uint32
	changed func() // nil: nobody wants to know
	mu      sync.Mutex
	cause   error // of stateNoSegment and stateFailed
	woken   []func()
}

func (s *states) set(bit uint32) {
	if s.bits.Or(bit)&bit == 0 {
		s.tell()
	}
}

// tell tells that the answer of Admit may have changed.
func (s *states) tell() {
	if s.changed != nil {
		s.changed()
	}
}

// refuse sets a bit for which writes are refused instead of parked.
func (s *states) refuse(bit uint32, cause error) {
	s.mu.Lock()
	s.cause = cause
	s.mu.Unlock()
	s.set(bit)
	s.release()
}

// refused says whether writes are refused already for a bit, with a cause that clients are told of in the same words.
func (s *states) refused(bit uint32, cause error) bool {
	if s.bits.Load()&bit == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return capital(s.cause) == capital(cause)
}

// clear takes a bit away and wakes who waited.
func (s *states) clear(bit uint32) {
	if s.bits.And(^bit)&bit != 0 {
		s.tell()
		s.release()
	}
}

// release wakes all that are parked; they ask again.
func (s *states) release() {
	s.mu.Lock()
	woken := s.woken
	s.woken = nil
	s.mu.Unlock()
	for _, wake := range woken {
		wake()
	}
}

// Admit says whether a write may execute: it is asked before, with nothing locked (W9). The error is ErrPark, or
// a MISCONF error to reply with.
func (l *Log) Admit() error {
	bits := l.st.bits.Load()
	if bits == 0 {
		return nil
	}
	return l.st.why(bits)
}

func (s *states) why(bits uint32) error {
	if bits&(stateNoSegment|stateFailed) == 0 {
		return ErrPark
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return &RefusedError{Cause: s.cause}
}

// Refused reports the error for which writes are refused now, nil if they are not.
func (l *Log) Refused() error {
	if bits := l.st.bits.Load(); bits&(stateNoSegment|stateFailed) != 0 {
		return l.st.why(bits)
	}
	return nil
}

// Failed reports that the log has failed for good: what is not durable is lost, and nothing is written any more.
func (l *Log) Failed() bool { return l.st.bits.Load()&stateFailed != 0 }

// Admitted arranges that wake is called once, from any goroutine, when a write that got ErrPark should ask
// again. It returns false if it should at once.
func (l *Log) Admitted(wake func()) bool {
	s := &l.st
	s.mu.Lock()
	defer s.mu.Unlock()
	if bits := s.bits.Load(); bits == 0 || bits&(stateNoSegment|stateFailed) != 0 {
		return false
	}
	if s.bits.Load()&stateLate != 0 {
		l.stats.delayed.Add(1)
	}
	s.woken = append(s.woken, wake)
	return true
}

// RefusedError is why writes are refused. Its text is Redis'.
type RefusedError struct{ Cause error }

// Error is the reply.
func (e *RefusedError) Error() string {
	return "MISCONF Errors writing to the AOF file: " + capital(e.Cause)
}

// Unwrap returns the cause.
func (e *RefusedError) Unwrap() error { return e.Cause }

// capital is the text of the system's error as strerror words it.
func capital(err error) string {
	text := err.Error()
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		text = errno.Error()
	}
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return text
	}
	return string(text[0]-32) + text[1:]
}
