package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/reredis/reredis/configs"
	"github.com/reredis/reredis/internal/reuse"
)

// Slow clients are cut off by these. The longest answer is a scrape.
const (
	headerTimeout   = 5 * time.Second
	readTimeout     = 10 * time.Second
	writeTimeout    = 30 * time.Second
	idleTimeout     = 60 * time.Second
	shutdownTimeout = 3 * time.Second
	maxHeader       = 16 << 10 // bytes
)

// Options are what a Server needs.
type Options struct {
	// Bind are the addresses to serve on; configs.Addrs makes them.
	Bind []configs.BindAddr
	// Port is the one to serve on; 0 lets the system pick one. (A
	// configuration's port of 0 means no HTTP: then there is no Server.)
	Port int
	// Off says to listen nowhere until Rebind.
	Off bool
	// PortFixed says that somebody asked for this port: if it is busy, New
	// fails. Otherwise the next free one is taken.
	PortFixed bool
	// Ready says why the server cannot serve clients yet, nil if it can. It
	// may be nil itself.
	Ready func() error
	// Sources are where figures come from.
	Sources Sources
	// Build is shown on the index page and among the metrics.
	Build Build
	// Log takes the errors of connections. It may be nil.
	Log *slog.Logger
}

// Server is the HTTP side of a Reredis.
type Server struct {
	http  *http.Server
	ready func() error

	mu    sync.Mutex
	lns   []*limited // none while HTTP is off
	goes  []*limited // see leave
	port  int
	asked int
	fail  func(error) // ends Run, nil while it does not run
	ended bool        // no more listeners
	all   sync.WaitGroup

	running atomic.Bool // between the start of Run and the end of its context
}

// errNotRunning is why a server that starts or stops is not ready.
var errNotRunning = errors.New("the server is starting or stopping")

// New opens the listeners. It starts no goroutine; whoever does not call Run
// must call Close.
func New(o Options) (*Server, error) {
	reg, err := newRegistry(o.Sources, o.Build)
	if err != nil {
		return nil, err
	}
	var lns []*limited
	port := o.Port
	if !o.Off {
		if lns, port, err = listen(o.Bind, o.Port, o.PortFixed); err != nil {
			return nil, err
		}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{lns: lns, port: port, asked: o.Port, ready: o.Ready}
	s.http = &http.Server{
		Handler:           s.routes(reg, o.Build, o.Log),
		ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout,
		WriteTimeout: writeTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// routes are the pages. net/http answers other methods with 405 and other paths
// with 404.
func (s *Server) routes(reg *prometheus.Registry, b Build, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", health)
	mux.HandleFunc("GET /readyz", s.readiness)
	mux.Handle("GET /metrics", metrics(reg, log))
	mux.Handle("GET /{$}", index(b))
	return guarded(mux)
}

// Addrs are the addresses that the server listens on, none while it is off.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]net.Addr, len(s.lns))
	for i, ln := range s.lns {
		out[i] = ln.Addr()
	}
	return out
}

// Ports returns the port that was asked for and the one in use; they differ if
// the first was busy.
func (s *Server) Ports() (asked, used int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked, s.port
}

// Run serves until ctx ends, then lets requests finish for a few seconds. It
// returns after all its goroutines have, nil if ctx ended it. It can be
// called once.
func (s *Server) Run(ctx context.Context) error {
	s.running.Store(true)
	serving, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	s.mu.Lock()
	s.fail = stop // one listener that fails ends all
	for _, ln := range s.lns {
		s.serve(ln)
	}
	s.mu.Unlock()
	<-serving.Done()
	s.running.Store(false)
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if s.http.Shutdown(grace) != nil {
		_ = s.http.Close() // what did not finish in time is cut off
	}
	s.all.Wait()
	if err := context.Cause(serving); ctx.Err() == nil {
		return err
	}
	return nil
}

// serve accepts on ln; mu must be held.
func (s *Server) serve(ln *limited) {
	s.all.Go(func() {
		if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) && !ln.closing.Load() {
			s.fail(err)
		}
	})
}

// Rebind prepares other addresses, none to turn HTTP off: the new ones are bound, also if they
// overlap with those in use. commit serves on them and stops listening on the others;
// rollback leaves everything as it was. Exactly one of the two must be called.
func (s *Server) Rebind(bind []configs.BindAddr, port int) (commit, rollback func(), err error) {
	s.mu.Lock()
	old, goes := s.lns, slices.Clone(s.goes)
	s.mu.Unlock()
	var lns []*limited
	if len(bind) > 0 {
		if lns, err = listenOn(bind, port, old, goes); err != nil {
			return nil, nil, err
		}
	}
	rollback = func() { closeAll(without(lns, old)) }
	commit = func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.ended {
			rollback()
			return
		}
		s.lns, s.port, s.asked = lns, port, port
		if s.fail != nil {
			for _, ln := range without(lns, old) {
				s.serve(ln)
			}
		}
		s.leave(without(old, lns))
	}
	return commit, rollback, nil
}

// leaveAfter is how long a listener that is no longer asked for takes the connections that were on their way to it: until a
// lost packet of theirs was sent again.
const leaveAfter = 1500 * time.Millisecond

// leave closes listeners, but those whose port others have now only after they have accepted what was on its way to them: to
// close them at once would reset it. New connections go to the others. mu must be held.
func (s *Server) leave(old []*limited) {
	for _, ln := range old {
		stays := slices.ContainsFunc(s.lns, func(o *limited) bool { return o.port() == ln.port() })
		if !stays || reuse.Retire(ln.raw()) != nil {
			closeAll([]*limited{ln})
			continue
		}
		s.goes = append(s.goes, ln)
		time.AfterFunc(leaveAfter, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.goes = without(s.goes, []*limited{ln})
			closeAll([]*limited{ln})
		})
	}
}

// Close releases the listeners of a server that never ran.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ended = true
	closeAll(s.lns)
	return nil
}
