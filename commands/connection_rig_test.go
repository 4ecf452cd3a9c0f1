package commands_test

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/bus/latency"
	"github.com/reredis/reredis/bus/monitor"
	"github.com/reredis/reredis/bus/pubsub"
	"github.com/reredis/reredis/bus/slowlog"
	"github.com/reredis/reredis/bus/tracking"
	"github.com/reredis/reredis/commands"
	"github.com/reredis/reredis/internal/resp"
	"github.com/reredis/reredis/keyspace"
)

// rig is a server in process with all commands and several clients. It is its own
// commands.Clients, commands.Config and commands.Shutdowner.
type rig struct {
	t      testing.TB
	space  *keyspace.Space
	bus    *bus.Bus
	timing *bus.Timing
	deps   *commands.Deps

	password    string
	params      map[string]string
	rewrites    int
	failSet     error
	settled     func(func(error)) // of Set
	failRewrite error
	// protectedOK is what the last CONFIG SET said.
	protectedOK bool
	stopping    *commands.ShutdownOptions
	failStop    error
	logged      []string
	net         commands.Net

	mu      sync.Mutex // guards clients
	clients []*rigClient
}

// rigClient is one connection of a rig. It drives the bus as package server does.
type rigClient struct {
	r      *rig
	c      *bus.Ctx
	client *bus.Client
	post   *postbox
	closed bool
	mu     sync.Mutex // held while a command runs
	out    []byte
	parser resp.Parser
}

func newRig(t testing.TB) *rig {
	t.Helper()
	r := &rig{t: t, space: newSpace(t), params: map[string]string{
		"enable-debug-command": "yes",
		"maxmemory":            "0",
		"appendonly":           "no",
	}}
	r.deps = &commands.Deps{
		Server: commands.Identity{
			Version: "0.0.0-test", Commit: "0123456789abcdef", RunID: strings.Repeat("ab", 20), Port: 7777,
			Executable: "/reredis", Started: time.Now(), Loops: 2,
		},
		Databases: 16,
		Config:    r, Clients: r, Shutdown: r,
		PubSub:   pubsub.New(),
		Monitor:  &monitor.Feed{},
		Tracking: tracking.New(),
		Pause:    &bus.Pause{},
		SlowLog:  slowlog.New(128),
		Latency:  latency.New(),
		Password: func() string { return r.password },
		Net:      func() commands.Net { return r.net },
		Reset:    func() { r.net = commands.Net{Clients: r.net.Clients, MaxClients: r.net.MaxClients} },
		Log:      func(m string) { r.logged = append(r.logged, m) },
	}
	r.timing = bus.NewTiming(r.deps.SlowLog, r.deps.Latency)
	r.bus = bus.New(r.space, bus.Timed(r.timing), bus.Admit(&bus.Admission{
		AuthRequired: func() bool { return r.password != "" },
		Protected:    r.deps.Protected,
		Paused:       r.deps.Pause,
		Monitored:    r.deps.Monitor.Any,
	}), bus.Lock(), bus.Observe("monitor", r.deps.Monitor.Observer), r.deps.Tracking.Layer())
	r.deps.Tracking.Space, r.deps.Tracking.Changed = r.space, r.bus.Recompose
	t.Cleanup(r.deps.Tracking.Wait)
	r.deps.Tracking.Appended = func() uint64 { return 0 }
	r.deps.Monitor.Changed = r.bus.Recompose
	r.deps.Pause.Changed = func(m bus.PauseMode) {
		r.space.HideOnly(m != bus.PauseOff)
		r.bus.Recompose()
	}
	if err := r.bus.Register(commands.All(r.deps)...); err != nil {
		t.Fatal(err)
	}
	return r
}

// connect adds a client.
func (r *rig) connect() *rigClient {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := int64(len(r.clients) + 1)
	cl := &rigClient{r: r, c: r.bus.NewCtx(), client: &bus.Client{
		ID: id, Addr: fmt.Sprintf("127.0.0.1:%d", 40000+id), LocalAddr: "127.0.0.1:7777", FD: int(id) + 5,
		Created: startOfTime, User: "default", Proto: 2, Local: true, Authenticated: r.password == "",
	}}
	cl.c.Client, cl.post = cl.client, &postbox{}
	cl.client.Out = cl.post
	cl.c.SetNow(startOfTime + id*1000)
	r.clients = append(r.clients, cl)
	return cl
}

// Each visits from the last client to the first: the order is not promised.
func (r *rig) Each(visit func(c *bus.Client, st bus.ConnState) bool, done func()) {
	go func() {
		r.mu.Lock()
		for _, cl := range slices.Backward(r.clients) {
			cl.mu.Lock()
			if !cl.closed {
				cl.closed = visit(cl.client, bus.ConnState{Events: "r", QueryBufFree: 100, TotalMem: 1000, IdleMillis: 2500})
			}
			cl.mu.Unlock()
		}
		r.mu.Unlock()
		done()
	}()
}

func (r *rig) Get(patterns []string) []commands.KV {
	var kvs []commands.KV
	for _, name := range slices.Sorted(mapKeys(r.params)) {
		if slices.ContainsFunc(patterns, func(p string) bool { ok, _ := path.Match(p, name); return ok }) {
			kvs = append(kvs, commands.KV{Name: name, Value: r.params[name]})
		}
	}
	return kvs
}

func mapKeys(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func (r *rig) Set(pairs []commands.KV, _ string, protectedOK bool) (settled func(func(error)), err error) {
	if r.failSet != nil {
		return nil, r.failSet
	}
	r.protectedOK = protectedOK
	for _, kv := range pairs {
		r.params[kv.Name] = kv.Value
	}
	return r.settled, nil
}

func (r *rig) Secret(name string) bool { return name == "requirepass" }

func (r *rig) Unset(names []string, _ bool) error {
	for _, n := range names {
		delete(r.params, n)
	}
	return r.failSet
}

func (r *rig) Reload() (changed, pending []string, err error) {
	return []string{"log.level"}, []string{"server.dir"}, r.failRewrite
}

func (r *rig) Origins(pattern string) (list []commands.ConfigOrigin, one bool) {
	for _, kv := range r.Get([]string{pattern}) {
		list = append(list, commands.ConfigOrigin{Path: kv.Name, Value: kv.Value, Origin: "default"})
	}
	return list, !strings.Contains(pattern, "*")
}

func (r *rig) State() commands.ConfigState {
	return commands.ConfigState{
		Pending: []string{"server.dir"}, Unsaved: []string{"log.level", "server.port"},
		Loaded: time.Unix(1700000000, 0), Failures: 3, Error: "a.yaml:1:1: x: unknown parameter",
	}
}

func (r *rig) Rewrite() error {
	if r.failRewrite != nil {
		return r.failRewrite
	}
	r.rewrites++
	return nil
}

func (r *rig) Begin(o commands.ShutdownOptions, begun func(error)) {
	r.stopping = &o
	go begun(r.failStop)
}

func (r *rig) Abort() bool { return errors.Is(r.failStop, errStopping) }

var errStopping = errors.New("stopping")

// raw runs a command and returns the bytes of its reply, nil if the client is silent.
func (cl *rigClient) raw(args ...string) []byte {
	t := cl.r.t
	t.Helper()
	if cl.closed {
		t.Fatalf("%q on a closed connection", args)
	}
	in := resp.AppendCommand(nil, args...)
	var ok bool
	var err error
	cl.c.Args, cl.c.Raw, _, _, ok, err = cl.parser.Next(in, nil, cl.c.Args)
	if !ok || err != nil {
		t.Fatalf("%q does not parse: %v", args, err)
	}
	cl.c.Reply.Begin(cl.out[:0], cl.client.Proto)
	cl.mu.Lock()
	res := cl.r.bus.Do(cl.c)
	for res == bus.Parked {
		wake := make(chan any, 1)
		start := cl.c.TakePark()
		cl.mu.Unlock()
		start(func(v any) { wake <- v })
		v := <-wake
		cl.mu.Lock()
		res = cl.r.bus.Resume(cl.c, v)
	}
	cl.out = cl.c.Reply.End()
	cl.c.EndTick()
	if cl.client.CloseAfterReply {
		cl.closed = true
	}
	cl.mu.Unlock()
	return cl.out
}

// do runs a command and returns its reply.
func (cl *rigClient) do(args ...string) resp.Value {
	cl.r.t.Helper()
	return readReply(cl.r.t, cl.raw(args...), args)
}

// text runs a command, written with blanks, and returns its reply as show writes it.
func (cl *rigClient) text(line string) string {
	cl.r.t.Helper()
	return show(cl.do(strings.Fields(line)...))
}

// expect compares replies with what show writes.
func (cl *rigClient) expect(pairs ...string) {
	cl.r.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := cl.text(pairs[i]); got != pairs[i+1] {
			cl.r.t.Errorf("%s\n  answers %s\n  want    %s", pairs[i], got, pairs[i+1])
		}
	}
}
