package wal

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"
)

const (
	syncEvery   = time.Second
	retryEvery  = time.Second
	rehomeTries = 3
)

// job is work that the syncer does as the leader.
type job struct {
	run  func() error
	done chan error // of one element
}

// do lets the syncer run f as the leader and returns its error; what it meets that can be mended is mended.
func (l *Log) do(ctx context.Context, f func() error) error {
	j := job{run: f, done: make(chan error, 1)}
	select {
	case l.jobs <- j:
	case <-l.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-j.done:
		return err
	case <-l.ended:
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run syncs under EverySec, makes room, and does what goes wrong or takes long in commits. It returns when
// ctx ends, after a last commit and sync; every other goroutine that appends has ended by then.
func (l *Log) Run(ctx context.Context) error {
	s := syncer{l: l, ticker: time.NewTicker(syncEvery)}
	defer s.ticker.Stop()
	s.prepare()
	for {
		select {
		case err := <-l.trouble:
			s.mend(ctx, err)
			s.resign()
		case j := <-l.jobs:
			s.job(ctx, j)
		case <-l.syncSoon:
			s.sync(ctx)
		case <-l.fillSoon:
			s.prepare()
		case <-s.ticker.C:
			if l.Policy() == EverySec {
				s.sync(ctx)
			}
			s.prepare()
			s.trim()
		case <-ctx.Done():
			return s.finish()
		}
	}
}

// syncer is the goroutine that may wait for the disk.
type syncer struct {
	l      *Log
	ticker *time.Ticker
	failed error // for good
	// rotated says that the segment after the present one has to be prepared.
	rotated bool
}

// job does one job.
func (s *syncer) job(ctx context.Context, j job) {
	s.lead(ctx)
	err := s.failed
	if err == nil {
		if err = j.run(); err != nil {
			if s.mend(ctx, err) {
				err = j.run()
			}
		}
	}
	s.resign()
	j.done <- err
}

// lead takes the leadership, if need be from a commit that is in trouble.
func (s *syncer) lead(ctx context.Context) {
	select {
	case s.l.leader <- struct{}{}:
	case err := <-s.l.trouble:
		s.mend(ctx, err)
	}
}

// resign gives the leadership back.
func (s *syncer) resign() {
	s.l.resign()
	s.l.waits.wake(s.l.Watermark())
	if s.l.waits.blocked.Load() > 0 && s.l.pending() && s.failed == nil {
		s.l.tryCommit()
	}
	if s.rotated { // with the leadership given back: it may take long
		s.rotated = false
		s.prepare()
	}
}

// sync makes durable what is written, beside commits.
func (s *syncer) sync(ctx context.Context) {
	l := s.l
	if s.failed != nil || l.durable.Load() == l.written.Load() {
		return
	}
	told := make(chan struct{})
	late := time.AfterFunc(time.Duration(l.limits.late.Load()), func() {
		defer close(told)
		l.st.set(stateLate)
	})
	start := time.Now()
	l.stats.behind.Store(true)
	m, err := l.b.Sync()
	l.stats.behind.Store(false)
	if !late.Stop() {
		<-told // or it would come after stateLate is cleared
	}
	l.stats.syncNS.Add(int64(time.Since(start)))
	l.stats.sinceS.Store(0)
	s.lead(ctx)
	if err == nil {
		l.stats.syncs.Add(1)
		l.publish(m)
	} else {
		s.mend(ctx, err)
	}
	l.st.clear(stateLate)
	s.resign()
}

// prepare makes room for the next batch, one segment early, so that a full disk is found while nothing depends on it.
func (s *syncer) prepare() {
	l := s.l
	if s.failed != nil {
		return
	}
	if err := l.b.Prepare(1); err != nil {
		s.refuse(err, false)
		return
	}
	s.admit()
}

// refuse refuses writes for an error that may go away. held says whether replies to those before wait, too.
func (s *syncer) refuse(err error, held bool) {
	l := s.l
	if l.st.refused(stateNoSegment, err) {
		return
	}
	l.st.refuse(stateNoSegment, err) // before the log says so
	if noRoom(err) {
		l.o.Log.Error("no room for the log: writes are refused until there is", "error", err, "repliesHeld", held)
	} else {
		l.o.Log.Error("the log's next segment can not be prepared: writes are refused until it can", "error", err, "repliesHeld", held)
	}
}

// admit ends what refuse began.
func (s *syncer) admit() {
	l := s.l
	if l.st.bits.Load()&stateNoSegment != 0 {
		l.o.Log.Info("the log has a next segment again: writes are taken")
		l.st.clear(stateNoSegment)
	}
}

// mend does what it takes after a commit has failed with err, until what is retained is written. The syncer is the
// leader. It reports false if the log can not go on.
func (s *syncer) mend(ctx context.Context, err error) bool {
	l := s.l
	for err != nil && s.failed == nil {
		var sync *SyncError
		switch {
		case errors.Is(err, ErrRotate):
			if err = l.b.(Rotator).Rotate(); err == nil {
				s.rotated = true
				err = l.commitLocked(false)
			} else if errors.Is(err, ErrRotate) {
				s.fail(fmt.Errorf("rotating did not make room: %w", err))
			}
		case errors.As(err, &sync):
			err = s.rehome(err)
		case noRoom(err):
			s.refuse(err, true)
			if !s.pause(ctx) {
				s.fail(err)
				break
			}
			if err = l.commitLocked(false); err == nil {
				s.admit()
			}
		default:
			// A write error other than a full disk: the file can not be trusted either.
			err = s.rehome(err)
		}
	}
	return s.failed == nil
}

// noRoom says whether an error may go away when somebody deletes something.
func noRoom(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// pause waits before the next try, and reports false if there will be none.
func (s *syncer) pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(retryEvery):
		return true
	}
}

// rehome moves the log away from a file that failed.
func (s *syncer) rehome(cause error) error {
	l := s.l
	l.stats.failures.Add(1)
	r, ok := l.b.(Rehomer)
	if !ok {
		s.fail(cause)
		return cause
	}
	l.o.Log.Error("the log's file failed: going on in another", "error", cause)
	l.take()
	err := cause
	for range rehomeTries {
		var m Marks
		if m, err = r.Rehome(l.retained); err == nil {
			l.stats.rehomes.Add(1)
			l.unacked = 0
			l.readers.fed(l.retained)
			l.publish(m)
			return nil
		}
		if noRoom(err) {
			return err
		}
	}
	s.fail(fmt.Errorf("%w; another file failed too: %w", cause, err))
	return err
}

// fail ends the log: nothing is written any more, and what has not been answered never is.
func (s *syncer) fail(err error) {
	l := s.l
	s.failed = err
	l.o.Log.Error("the log can not be written: giving up", "error", err)
	l.st.refuse(stateFailed, err)
	if l.o.Lost != nil {
		l.o.Lost()
	}
	l.lost.Store(true)
	l.waits.close()
	if !l.limits.readOnly.Load() && l.o.Fatal != nil {
		l.o.Fatal(err)
	}
}

// finish commits and syncs what is left, and ends all waiting.
func (s *syncer) finish() error {
	l := s.l
	defer l.waits.close()
	defer close(l.ended)
	once, cancel := context.WithCancel(context.Background())
	cancel() // what goes wrong now is tried once more, not until it gets better
	s.lead(once)
	defer l.resign()
	err := s.failed
	if err == nil {
		if err = l.commitLocked(true); err != nil && s.mend(once, err) {
			err = l.commitLocked(true)
		}
	}
	l.readers.closing.Store(true)
	return errors.Join(err, l.b.Close(err == nil))
}
