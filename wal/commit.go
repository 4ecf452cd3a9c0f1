package wal

import (
	"errors"
	"time"
)

// ErrRotate is returned by a backend whose present file has no room for the frames; nothing of
// them was written. The log then lets its syncer call Rotate, so that no loop waits.
var ErrRotate = errors.New("wal: the segment is full")

// Rotator is a backend that has to be asked to change files.
type Rotator interface {
	Rotate() error
}

// Rehomer is a backend that can go on in another place after a sync has failed: it writes the
// frames, which are all that is not durable, there, and returns when they are durable.
type Rehomer interface {
	Rehome(fs []Frame) (Marks, error)
}

// filler is a backend that tells, once for each file, that the present one is three quarters full. The
// log lets its syncer prepare the next one then, so that a full disk is found while there is room.
type filler interface {
	Filling() bool
}

// SyncError is a failed sync: what was written since the last success may be lost, whatever a
// later sync of the same file says (W8).
type SyncError struct{ Err error }

// Error tells what failed.
func (e *SyncError) Error() string { return "sync: " + e.Err.Error() }

// Unwrap returns the error of the system.
func (e *SyncError) Unwrap() error { return e.Err }

// tryCommit writes what was appended, and reports false if another goroutine is doing so, or does
// now because it would take long.
func (l *Log) tryCommit() bool {
	for l.tryLead() {
		if l.pending() && l.st.bits.Load()&stateFailed == 0 {
			if err := l.commitLocked(false); err != nil {
				l.trouble <- err // has room: there is one leader
				return false
			}
		}
		l.resign()
		l.waits.wake(l.Watermark())
		// Goroutines that wait may have appended meanwhile and have found the leader busy.
		if l.waits.blocked.Load() == 0 || !l.pending() || l.st.bits.Load()&stateFailed != 0 {
			return true
		}
	}
	return false
}

// commitLocked writes what was appended, and syncs it under Always or if sync is set. The
// caller is the leader.
func (l *Log) commitLocked(sync bool) error {
	l.take()
	sync = sync || l.Policy() == Always
	fs := l.retained[len(l.retained)-l.unacked:]
	if len(fs) == 0 {
		if !sync || l.durable.Load() == l.written.Load() {
			return nil
		}
		m, err := l.b.Sync()
		if err == nil {
			l.stats.syncs.Add(1)
			l.publish(m)
		}
		return err
	}
	start := time.Now()
	m, err := l.b.Append(fs, sync)
	if err != nil {
		return err
	}
	took := time.Since(start)
	l.stats.committed(fs, took, sync)
	if l.o.Committed != nil {
		l.o.Committed(took, sync)
	}
	l.unacked = 0
	l.readers.fed(fs)
	n := len(fs)
	l.publish(m)
	l.packRetained(n)
	if f, ok := l.b.(filler); ok && f.Filling() {
		select {
		case l.fillSoon <- struct{}{}:
		default:
		}
	}
	if l.Policy() == EverySec && l.stats.sinceSync() > syncBytes {
		select {
		case l.syncSoon <- struct{}{}:
		default:
		}
	}
	return nil
}

// tryLead takes the leadership unless somebody has it.
func (l *Log) tryLead() bool {
	select {
	case l.leader <- struct{}{}:
		return true
	default:
		return false
	}
}

// resign gives the leadership back.
func (l *Log) resign() { <-l.leader }
