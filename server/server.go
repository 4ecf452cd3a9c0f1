package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reredis/reredis/bus"
)

// Server accepts connections and drives them.
type Server struct {
	opts     Options
	log      *slog.Logger
	settings atomic.Pointer[Settings]
	now      func() int64 // Options.Now, nil for the wall clock, which a loop reads anyway

	drivers []driver // [0] drives plaintext connections

	// listening guards what follows; nothing else is locked with it held.
	listening sync.Mutex
	listeners []*listener // TCP first, then the unix socket
	leaving   []*listener // that accept what is on its way to them, no more
	abort     func(error) // ends Run, nil while it does not run
	closed    bool        // no more listeners
	acceptors sync.WaitGroup

	ids           atomic.Int64
	connected     atomic.Int64
	received      atomic.Int64
	rejected      atomic.Int64
	idle          atomic.Int64
	outputLimited atomic.Int64
	queryLimited  atomic.Int64
	attackLogged  atomic.Int64 // unix ms
	dropped       atomic.Int64 // bytes of buffers left to the collector, see janitor
	memory        clientMemory
}

// driver owns connections.
type driver interface {
	// run drives until drain is called and the connections have ended. It returns an error
	// if it can not go on; then it has closed them.
	run() error
	// drain asks to finish what has been read, send the replies and close, by deadline.
	drain(deadline time.Time)
	// prepare makes l ready for accept.
	prepare(l *listener) error
	// accept takes connections from l until it is closed.
	accept(l *listener) error
	// shrink asks those who own connections, all but one, to close some: together they hold too
	// much memory.
	shrink(but any)
	// each calls visit for every connection, see Server.Each, then done.
	each(visit func(*bus.Client, bus.ConnState) bool, done func())
	counters() []*counters
	// close releases what run would have.
	close()
}

// New binds the addresses; connections wait in the listen queues until Run. An address
// that is taken is an [*InUseError].
func New(o Options) (*Server, error) {
	s := &Server{opts: o, log: o.Log}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.now = s.opts.Now
	if s.opts.Now == nil {
		s.opts.Now = func() int64 { return time.Now().UnixMilli() }
	}
	if s.opts.Loops <= 0 {
		s.opts.Loops = DefaultLoops()
	}
	set := o.Settings
	set.MaxClients = s.raiseFileLimit(set.MaxClients)
	s.settings.Store(&set)
	d, err := s.newDriver()
	if err != nil {
		return nil, err
	}
	s.drivers = []driver{d}
	if err := s.listen(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// newDriver returns the driver that the options ask for.
func (s *Server) newDriver() (driver, error) {
	switch s.opts.Driver {
	case DriverAuto, "":
		d, err := newLoops(s)
		if errors.Is(err, errors.ErrUnsupported) {
			return newGoroutines(s), nil
		}
		return d, err
	case DriverLoops:
		return newLoops(s)
	case DriverGoroutines:
		return newGoroutines(s), nil
	}
	return nil, fmt.Errorf("unknown driver %q", s.opts.Driver)
}

// Addrs are the addresses that the server listens on: TCP in the order of Options.Bind
// without those left out, then the unix socket.
func (s *Server) Addrs() []net.Addr {
	s.listening.Lock()
	defer s.listening.Unlock()
	list := make([]net.Addr, 0, len(s.listeners))
	for _, l := range s.listeners {
		list = append(list, l.Addr())
	}
	return list
}

// Settings returns the settings in force, which must not be changed.
func (s *Server) Settings() *Settings { return s.settings.Load() }

// SetSettings makes set the settings in force; connections follow within a tick. MaxClients
// is lowered to what the limit of open files allows, and the result says to what.
func (s *Server) SetSettings(set Settings) (maxClients int) {
	set.MaxClients = s.raiseFileLimit(set.MaxClients)
	old := s.settings.Swap(&set)
	if old.Keepalive != set.Keepalive {
		s.listening.Lock()
		for _, l := range s.listeners {
			l.setOptions(&set)
		}
		s.listening.Unlock()
	}
	if set.ClientMemory != old.ClientMemory && set.ClientMemory > 0 {
		s.shrink(nil)
	}
	return set.MaxClients
}

// shrink asks everybody but one to close connections, as driver.shrink.
func (s *Server) shrink(but any) {
	for _, d := range s.drivers {
		d.shrink(but)
	}
}

// Run serves until ctx ends, then stops accepting, finishes the commands that have been
// read, waits up to Options.ShutdownGrace for the replies to leave, and closes everything. It
// returns after all its goroutines have, with the error that made it stop before ctx did.
// It can be called once.
func (s *Server) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var drivers sync.WaitGroup
	for _, d := range s.drivers {
		drivers.Go(func() {
			if err := d.run(); err != nil {
				cancel(err)
			}
		})
	}
	s.acceptAll(func(err error) {
		if ctx.Err() == nil {
			cancel(err)
		}
	})
	drivers.Go(func() { s.janitor(ctx) })
	<-ctx.Done()
	err := s.closeListeners()
	s.acceptors.Wait()
	s.closeSpares()
	deadline := time.Now().Add(s.opts.ShutdownGrace)
	for _, d := range s.drivers {
		d.drain(deadline)
	}
	drivers.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		err = errors.Join(cause, err)
	}
	return err
}

// Close releases the addresses of a Server whose Run was not called.
func (s *Server) Close() error {
	for _, d := range s.drivers {
		d.close()
	}
	err := s.closeListeners()
	s.closeSpares()
	return err
}
