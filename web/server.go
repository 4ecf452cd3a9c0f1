package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/reredis/reredis/configs"
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
	lns   []net.Listener
	port  int
	asked int
	http  *http.Server
	ready func() error

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
	lns, port, err := listen(o.Bind, o.Port, o.PortFixed)
	if err != nil {
		return nil, err
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

// Addr is the first address that the server listens on.
func (s *Server) Addr() net.Addr { return s.lns[0].Addr() }

// Addrs are all of them.
func (s *Server) Addrs() []net.Addr {
	out := make([]net.Addr, len(s.lns))
	for i, ln := range s.lns {
		out[i] = ln.Addr()
	}
	return out
}

// Ports returns the port that was asked for and the one in use; they differ if
// the first was busy.
func (s *Server) Ports() (asked, used int) { return s.asked, s.port }

// Run serves until ctx ends, then lets requests finish for a few seconds. It
// returns after all its goroutines have, nil if ctx ended it. It can be
// called once.
func (s *Server) Run(ctx context.Context) error {
	s.running.Store(true)
	serving, stop := context.WithCancel(ctx)
	defer stop()
	errs := make(chan error, len(s.lns))
	var all sync.WaitGroup
	for _, ln := range s.lns {
		all.Go(func() {
			if err := s.http.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
				errs <- err
				stop() // one listener that fails ends all
			}
		})
	}
	<-serving.Done()
	s.running.Store(false)
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	if s.http.Shutdown(grace) != nil {
		_ = s.http.Close() // what did not finish in time is cut off
	}
	all.Wait()
	close(errs)
	var err error
	for e := range errs {
		err = errors.Join(err, e)
	}
	return err
}

// Close releases the listeners of a server that never ran.
func (s *Server) Close() error {
	closeAll(s.lns)
	return nil
}
