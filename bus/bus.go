package bus

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/reredis/reredis/bus/wait"
	"github.com/reredis/reredis/keyspace"
)

// Bus holds the commands and runs them.
type Bus struct {
	space  *keyspace.Space
	layers []Layer // outermost first
	waits  *wait.Table
	clock  func() time.Duration // since some moment; never 0

	mu    sync.Mutex // guards specs, nextID and composing
	specs []*Spec
	next  int

	table   atomic.Pointer[table]
	counts  atomic.Pointer[[]*Counts]
	unknown atomic.Uint64
	changes atomic.Int64  // of keys
	era     atomic.Uint32 // twice the number of ResetCounts
	errs    errorStats
	events  events
}

// New returns a bus over space without commands. The layers surround every
// command, the first outermost.
func New(space *keyspace.Space, layers ...Layer) *Bus {
	epoch := time.Now()
	b := &Bus{
		space: space, layers: layers, waits: wait.NewTable(),
		clock: func() time.Duration { return time.Since(epoch) + 1 },
	}
	b.counts.Store(&[]*Counts{})
	b.table.Store(newTable(nil))
	return b
}

// Space is the keyspace that the commands work on.
func (b *Bus) Space() *keyspace.Space { return b.space }

// Register adds commands and composes the table anew. It registers all of them or,
// with an error, none: for a name that is taken, a bad arity or a bad key spec.
func (b *Bus) Register(specs ...Spec) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := map[string]bool{}
	for _, s := range b.specs {
		taken[s.Name] = true
	}
	added := make([]*Spec, 0, len(specs))
	for i := range specs {
		s := specs[i]
		if err := s.check(""); err != nil {
			return err
		}
		if taken[s.Name] {
			return fmt.Errorf("bus: command %q is registered already", s.Name)
		}
		taken[s.Name] = true
		s.Subs = slices.Clone(s.Subs)
		added = append(added, &s)
	}
	counts := slices.Clone(*b.counts.Load())
	number := func(s *Spec, full string) {
		s.full, s.id = full, b.next
		b.next++
		counts = append(counts, &Counts{Spec: s})
	}
	for _, s := range added {
		number(s, s.Name)
		for i := range s.Subs {
			number(&s.Subs[i], s.Name+"|"+s.Subs[i].Name)
		}
	}
	b.counts.Store(&counts)
	b.specs = append(b.specs, added...)
	b.composeLocked()
	return nil
}

// Unregister removes the commands of these names (a plugin that goes). Unknown names are
// ignored. Their counters stay.
func (b *Bus) Unregister(names ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.specs = slices.DeleteFunc(b.specs, func(s *Spec) bool { return slices.Contains(names, s.Name) })
	b.composeLocked()
}

// Recompose builds every chain again, after something changed that a layer looks at when
// it wraps: a password set, a limit, an observer. Running calls finish on the old chains.
func (b *Bus) Recompose() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.composeLocked()
}

// composeLocked builds the table anew, each command twice: run, and runHeld for
// callers that hold the locks (MULTI, scripts, plugin commits).
func (b *Bus) composeLocked() {
	cmds := make([]*command, 0, len(b.specs))
	for _, s := range b.specs {
		c := b.compose(s)
		if len(s.Subs) > 0 {
			subs := make([]*command, 0, len(s.Subs))
			for i := range s.Subs {
				subs = append(subs, b.compose(&s.Subs[i]))
			}
			c.subs = newTable(subs)
		}
		cmds = append(cmds, c)
	}
	b.table.Store(newTable(cmds))
}

// compose wraps one command's handler, the first layer outermost.
func (b *Bus) compose(s *Spec) *command {
	c := &command{spec: s, min: s.Arity, max: s.Arity}
	if s.Arity < 0 {
		c.min, c.max = -s.Arity, 0
	}
	if s.Lock == LockKeys {
		c.key = s.single()
	}
	run := s.Run
	if run == nil {
		run = func(c *Ctx) error { return ErrArity(s.FullName()) }
	}
	c.run, c.runHeld, c.queue, c.ended, c.aborted = run, run, enqueue(s), ended, nothing
	for _, l := range slices.Backward(b.layers) {
		c.run = l.Wrap(s, c.run)
		switch {
		case l.WrapHeld != nil:
			c.runHeld = l.WrapHeld(s, c.runHeld)
		case l.Held:
			c.runHeld = l.Wrap(s, c.runHeld)
		}
		if l.WrapQueue != nil {
			c.queue = l.WrapQueue(s, c.queue)
		}
		if l.Ended {
			c.ended = l.Wrap(s, c.ended)
		}
		if l.Aborted && s.Plan != nil {
			c.aborted = l.Wrap(s, c.aborted)
		}
	}
	return c
}

// Result says what became of a command.
type Result uint8

const (
	// Done says that the reply is written.
	Done Result = iota
	// Parked says that nothing is written and that the command waits. The driver stops reading the
	// connection, keeps a copy of the arguments, calls TakePark's function, and runs
	// the command again with Resume when it wakes.
	Parked
)

// Do runs the command in c.Args, which is not empty, and writes its reply.
// c.Client, c.Reply and c.Tx.Now are set by the driver.
func (b *Bus) Do(c *Ctx) Result {
	c.woken = nil
	return b.do(c)
}

// Resume runs a parked command again; v is what its wake handed over. The command of a client that
// was served while it waited, or whose wait ended, is only finished.
func (b *Bus) Resume(c *Ctx, v any) Result {
	c.woken = v
	c.began, c.Client.began = c.Client.began, 0
	c.Client.Blocked = false
	switch v := v.(type) {
	case *ending:
		return b.end(c, v)
	case *settled:
		c.After(v.gate)
		c.Reply.Append(func(buf []byte) []byte { return append(buf, v.reply...) })
		return Done
	}
	return b.do(c)
}

func (b *Bus) do(c *Ctx) Result {
	cmd, err := b.look(c.Args)
	mark := c.Reply.Len()
	if err == nil {
		c.Spec = cmd.spec
		c.Tx.DB, c.Tx.NoTouch = c.Client.DB, c.Client.NoTouch
		c.Client.Last = cmd.spec
		switch m := c.Client.Multi; {
		case c.Client.Confined() && !cmd.spec.Subscriber:
			err = b.reject(cmd, errConfined(cmd.spec))
		case m == nil || !m.open:
			err = cmd.run(c)
		default:
			err = b.inMulti(c, cmd)
		}
		if err == nil {
			if c.late != nil {
				return b.settle(c, mark, Done)
			}
			return Done
		}
	} else {
		b.unknown.Add(1)
		err = rejection{err}
		c.began = 0
	}
	r := b.fail(c, mark, c.breakMulti(cmd, err))
	if c.late != nil {
		return b.settle(c, mark, r)
	}
	return r
}

// fail turns an error into the reply: the one place for errors.
func (b *Bus) fail(c *Ctx, mark int, err error) Result {
	c.Reply.Truncate(mark)
	if errors.Is(err, keyspace.ErrExclusive) {
		err = c.parkExclusive()
	}
	if err == errParked { //nolint:errorlint // a private sentinel that nobody wraps
		c.Client.began, c.began, c.postponed = c.began, 0, false
		return Parked
	}
	text := err.Error()
	b.errs.add(text)
	c.Reply.Error(text)
	return Done
}

// TakePark returns what the command that just parked wants to be called.
func (c *Ctx) TakePark() ParkFunc {
	f := c.start
	c.start = nil
	return f
}

// TakeCancel returns what the command that just parked wants to be called if its connection goes away, nil if
// it need not know.
func (c *Ctx) TakeCancel() func() {
	f := c.cancel
	c.cancel = nil
	return f
}

// DoHeld runs a command for a caller that holds the locks of its keys: no route, lock
// or log layer. Its error is returned, not written, and it can not park.
func (b *Bus) DoHeld(c *Ctx) error {
	cmd, err := b.look(c.Args)
	if err != nil {
		return err
	}
	c.Spec = cmd.spec
	return cmd.runHeld(c)
}

// look finds the command of args and checks the arity. It returns the command also if only that is wrong.
func (b *Bus) look(args [][]byte) (*command, error) {
	cmd := b.table.Load().find(args[0])
	if cmd == nil {
		return nil, errUnknown(args)
	}
	if cmd.subs != nil && len(args) > 1 {
		sub := cmd.subs.find(args[1])
		if sub == nil {
			return nil, errUnknownSub(args[0], args[1])
		}
		cmd = sub
	}
	if len(args) < cmd.min || (cmd.max != 0 && len(args) > cmd.max) {
		return cmd, ErrArity(cmd.spec.FullName())
	}
	return cmd, nil
}

// Spec returns the spec that args name, with their subcommand if it exists, nil if there
// is none. Arity is not checked. A container is returned when args hold its name alone.
func (b *Bus) Spec(args ...[]byte) *Spec {
	if len(args) == 0 {
		return nil
	}
	cmd := b.table.Load().find(args[0])
	if cmd == nil {
		return nil
	}
	if len(args) > 1 && cmd.subs != nil {
		if cmd = cmd.subs.find(args[1]); cmd == nil {
			return nil
		}
	}
	return cmd.spec
}

// Specs returns every command in the order of registration. The slice is the caller's.
func (b *Bus) Specs() []*Spec {
	t := b.table.Load()
	specs := make([]*Spec, 0, len(t.list))
	for _, c := range t.list {
		specs = append(specs, c.spec)
	}
	return specs
}

// LayerInfo tells what one layer does for one command.
type LayerInfo struct {
	Name   string
	Active bool // false: the layer returned the next handler itself
	Held   bool // true: it also surrounds the command inside MULTI, scripts and plugin commits
	Note   string
}

// Chain tells which layers a command passes through, outermost first.
func (b *Bus) Chain(s *Spec) []LayerInfo {
	infos := make([]LayerInfo, len(b.layers))
	h := s.Run
	for i, l := range slices.Backward(b.layers) {
		next := l.Wrap(s, h)
		infos[i] = LayerInfo{Name: l.Name, Active: differ(next, h), Held: l.Held}
		if infos[i].Active && l.Describe != nil {
			infos[i].Note = l.Describe(s)
		}
		h = next
	}
	return infos
}

// differ reports whether two handlers have different code. No layer wraps a
// handler in code of its own twice, so this tells whether it wrapped at all.
func differ(a, b Handler) bool {
	return reflect.ValueOf(a).Pointer() != reflect.ValueOf(b).Pointer()
}
