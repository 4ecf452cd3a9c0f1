package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/configs"
	"github.com/reredis/reredis/wal"
)

// A log that is turned on begins beside the data, in segments that are no part of what is on disk (package wal,
// Suspend). Commands append from then on, and replies wait. The first snapshot makes it the log; until then what is on
// disk is what was there before, and a failure leaves it at that.

// running is a log and what drives it.
type running struct {
	log  *wal.Log
	stop context.CancelFunc
	over chan error // of its Run
}

// keptOpen is the backend for a log, which does not close it.
type keptOpen struct{ *wal.FileBackend }

// Close leaves that to the persistence.
func (keptOpen) Close(bool) error { return nil }

// open begins a log behind the last entry of the backend.
func (p *persistence) open(o wal.Options) *running {
	ctx, stop := context.WithCancel(context.Background())
	r := &running{
		log:  wal.New(o, keptOpen{p.backend}, wal.Info{Last: p.backend.Marks().Written}),
		stop: stop, over: make(chan error, 1),
	}
	go func() { r.over <- r.log.Run(ctx) }()
	return r
}

// end commits and syncs what is left.
func (r *running) end() error {
	r.stop()
	return <-r.over
}

// logOptions are those of a log that keeps the data.
func (p *persistence) logOptions() wal.Options {
	cfg := p.n.store.Current()
	p.mu.Lock()
	defer p.mu.Unlock()
	return wal.Options{
		Policy: p.policy, Databases: cfg.Keyspace.Databases,
		Limits: p.limits, Log: p.n.log,
		Fatal:     func(err error) { p.n.fail(&fatalError{err}) },
		Lost:      p.n.bus.Recompose, // with the question whether what is read is lost
		Changed:   p.hold,
		Committed: p.n.watch.committed,
	}
}

// provisional makes the options those of a log that does not keep the data yet: failed is called when it can not be
// written.
func (p *persistence) provisional(o wal.Options, failed func(error)) wal.Options {
	o.Fatal = func(err error) {
		if p.counts() {
			p.n.fail(&fatalError{err})
		} else {
			failed(&fatalError{err})
		}
	}
	o.Changed = func() {
		if l := p.journal.now.Load(); l != nil && !l.counts {
			if err := l.Refused(); err != nil {
				failed(err)
			}
		}
		p.hold()
	}
	return o
}

// counts says whether there is a log that keeps the data.
func (p *persistence) counts() bool {
	l := p.journal.now.Load()
	return l != nil && l.counts
}

// alone runs f while nobody uses the keyspace.
func (p *persistence) alone(f func()) { p.n.space.NewTx().Exclusively(f) }

// layer makes commands pass the journal, or no longer. With true it returns when no command runs that does not.
func (p *persistence) layer(on bool) {
	if p.layered.Swap(on) == on {
		return
	}
	p.n.bus.Recompose()
	if on {
		p.n.settle()
	}
}

// settle returns when every command that was let in before has run, but for those that wait, which are let in again.
func (n *node) settle() {
	done := make(chan struct{})
	n.server.Each(func(*bus.Client, bus.ConnState) bool { return false }, func() { close(done) })
	<-done
}

// wish is a change of a parameter that takes a while.
type wish struct {
	over chan struct{} // closed when it is in force, or has failed
	err  error
}

func (w *wish) end(err error) {
	w.err = err
	close(w.over)
}

// wish returns the last change of a parameter that takes a while, nil if it has none such.
func (p *persistence) wish(name string) *wish {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch strings.ToLower(name) {
	case "appendonly", "wal.enabled":
		return p.logWish
	case "appendfsync", "wal.policy":
		return p.policyWish
	}
	return nil
}

// setLog turns the log on or off, and does not wait. For on the wish is over when what can be told at once is known. One
// that fails is taken back in the configuration.
func (p *persistence) setLog(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &wish{over: make(chan struct{})}
	p.want, p.logWish = on, w
	switch {
	case p.saves.closed:
		w.end(errStopping)
	case p.snaps.Load() == nil:
		w.end(nil) // it begins so
	case on:
		p.saves.scheduled++
		done := w.end
		if p.saves.running != [2]int{} { // it can not be known before that has ended
			w.end(nil)
			done = func(error) {}
		}
		p.work.Go(func() { p.turnOn(done) })
	default:
		if p.saves.beginning != nil {
			p.saves.beginning(errTurnedOff)
		}
		p.work.Go(func() { w.end(p.turnOff()) })
	}
}

var (
	errTurnedOff = errors.New("the log was turned off")
	errTurnOn    = errors.New("Unable to turn on AOF. Check server logs.")
)

// takeBack makes the configuration say what is the case after a failure.
func (p *persistence) takeBack(on bool) {
	value := map[bool]string{true: "yes", false: "no"}[on]
	if err := p.n.store.Set([]configs.KV{{Name: "appendonly", Value: value}}, "the server", true); err != nil {
		p.n.log.Error("the configuration does not say whether there is a log", "error", err)
	}
}

// turnOn begins a log, and makes the snapshot that it begins with.
func (p *persistence) turnOn(done func(error)) {
	p.making.Lock()
	defer p.making.Unlock()
	ctx, failed := context.WithCancelCause(p.saves.ctx)
	defer failed(nil)
	p.mu.Lock()
	p.saves.scheduled--
	on := p.want && p.running == nil
	if on {
		p.savingLocked(rewrites)
		p.saves.beginning = failed
	}
	p.mu.Unlock()
	if !on {
		done(nil)
		return
	}
	if err := p.beginLog(failed); err != nil {
		p.n.log.Error("the log can not be turned on", "error", err)
		p.saved(err, rewrites)
		if p.running != nil {
			p.endLog()
		}
		p.takeBack(false)
		done(errTurnOn)
		return
	}
	done(nil)
	p.backend.Adopt(true)
	err := p.snapshot(ctx)
	p.backend.Adopt(false)
	p.saved(err, rewrites)
	if p.backend.Info().Off {
		p.abandon(context.Cause(ctx), err)
		return
	}
	p.journal.now.Store(&logNow{p.running.log, true, true})
	p.hold()
	if p.running.log.Failed() {
		p.n.bus.Recompose() // as Lost does
	}
	p.n.log.Info("the log is on")
	if fatal := (*fatalError)(nil); errors.As(context.Cause(ctx), &fatal) {
		p.n.fail(fatal) // it failed when it had just begun
	}
}

// fatalError is why a log can not go on.
type fatalError struct{ err error }

// Error tells why.
func (e *fatalError) Error() string { return "the log can not be written: " + e.err.Error() }

// Unwrap returns the cause.
func (e *fatalError) Unwrap() error { return e.err }

// beginLog lets commands append to a log that keeps nothing yet.
func (p *persistence) beginLog(failed func(error)) error {
	if err := p.backend.Suspend(); err != nil {
		return err
	}
	if err := p.backend.Prepare(1); err != nil {
		return err
	}
	p.layer(true)
	p.running = p.open(p.provisional(p.logOptions(), failed))
	p.alone(func() { p.journal.attach(logNow{p.running.log, true, false}) })
	return p.catchUp()
}

// abandon ends a log that has not begun to keep the data.
func (p *persistence) abandon(cause, err error) {
	p.endLog()
	if !errors.Is(cause, errTurnedOff) && !errors.Is(cause, errStopping) {
		p.n.log.Error("the log is off again: it could not begin", "error", errors.Join(cause, err))
		p.takeBack(false)
	}
}

// endLog ends a log that keeps nothing: what was appended is forgotten.
func (p *persistence) endLog() {
	last := wal.LSN(0)
	p.alone(func() {
		last = p.running.log.Appended()
		p.journal.detach()
	})
	p.layer(false)
	_ = p.running.end() // it is of no use any more
	p.running = nil
	p.hold()
	if err := p.backend.Discard(last); err != nil {
		p.n.log.Warn("what was written beside a snapshot could not be removed", "error", err)
	}
}

// turnOff ends the log when all of it is durable.
func (p *persistence) turnOff() error {
	p.making.Lock()
	defer p.making.Unlock()
	p.mu.Lock()
	on := p.want
	p.mu.Unlock()
	if on || p.running == nil {
		return nil
	}
	err := p.flushLog(p.running.log) // most of it beside the others
	if err == nil {
		p.alone(func() {
			if err = p.flushLog(p.running.log); err == nil {
				p.journal.detach()
			}
		})
	}
	if err != nil {
		p.n.log.Error("the log can not be turned off: its end is not on disk", "error", err)
		p.takeBack(true)
		return fmt.Errorf("Unable to turn off AOF: %w", err)
	}
	p.layer(false)
	if err := p.running.end(); err != nil {
		p.n.log.Warn("ending the log", "error", err)
	}
	p.running = nil
	p.hold()
	if err := p.backend.Suspend(); err != nil { // done again before it matters
		p.n.log.Warn("the MANIFEST does not say yet that the log is off", "error", err)
	}
	p.n.log.Warn("the log is off: what changes from now on is kept by snapshots only")
	return nil
}

// flushLog returns when all that was appended is durable, or an error as soon as the log takes nothing. making is held.
func (p *persistence) flushLog(l *wal.Log) error {
	ctx, refused := context.WithCancelCause(p.saves.ctx)
	defer refused(nil)
	p.flushing.Store(&refused)
	defer p.flushing.Store(nil)
	if err := l.Refused(); err != nil {
		return err
	}
	if err := l.WaitDurable(ctx, l.Appended()); err != nil {
		return errors.Join(err, context.Cause(ctx))
	}
	return nil
}

// setPolicy changes what replies wait for, and does not wait itself. With always the wish is over when all that was
// answered before is on disk.
func (p *persistence) setPolicy(name string) {
	policy, err := wal.ParsePolicy(name)
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &wish{over: make(chan struct{})}
	p.policyWish = w
	if err != nil || p.saves.closed {
		w.end(err)
		return
	}
	p.policy = policy
	p.work.Go(func() { w.end(p.changePolicy()) })
}

// logLimits are the limits of a log that keeps the data.
func logLimits(cfg *configs.Config) wal.Limits {
	return wal.Limits{
		UnsyncedLimit: cfg.WAL.UnsyncedLimit, SyncLate: cfg.WAL.SyncLate, ReadOnlyOnError: cfg.WAL.OnSyncError == "readonly",
	}
}

// tune makes the log's limits and the length of its files those of the configuration.
func (p *persistence) tune(cfg *configs.Config) {
	p.backend.SetSegmentSize(cfg.WAL.SegmentSize)
	p.mu.Lock()
	p.limits = logLimits(cfg)
	p.mu.Unlock()
	p.changeLimits()
}

// changeLimits makes the limits that are wanted those of the log. One for a snapshot keeps its own: it ends with that.
func (p *persistence) changeLimits() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.journal.now.Load(); l != nil && l.gated {
		l.SetLimits(p.limits)
	}
}

// catchUp gives a log that has just begun what was changed meanwhile.
func (p *persistence) catchUp() error {
	p.changeLimits()
	return p.changePolicy()
}

// changePolicy makes the policy that is wanted that of the log.
func (p *persistence) changePolicy() error {
	p.changing.Lock()
	defer p.changing.Unlock()
	p.mu.Lock()
	policy := p.policy
	p.mu.Unlock()
	l := p.journal.now.Load()
	if l == nil || !l.gated || l.Policy() == policy {
		return nil // it begins with this one
	}
	err := l.SetPolicy(p.saves.ctx, policy)
	if err != nil {
		p.n.log.Error("the policy of the log could not be changed", "error", err)
	}
	return err
}
