package bus

// Handler executes a command. It either writes its reply to c.Reply or returns
// the error to reply with (its text starts with the code of the error, such as
// "ERR" or "WRONGTYPE"), and then has changed nothing but removed expired keys.
type Handler func(c *Ctx) error

// Middleware wraps the handler of one command. It runs when the table is
// built, not per call; a layer with nothing to do for s returns next itself
// and so costs nothing.
type Middleware func(s *Spec, next Handler) Handler

// Layer is a named Middleware; the name is what DEBUG BUS shows.
type Layer struct {
	Name string
	Wrap Middleware
	// WrapHeld, if not nil, is used in place of Wrap where a command's caller holds its locks.
	WrapHeld Middleware
	// WrapQueue, if not nil, wraps the queueing of a command in MULTI.
	WrapQueue Middleware
	// Held says that the layer also surrounds a command whose locks its caller
	// holds (MULTI, scripts, plugin commits).
	Held bool
	// Ended says that the layer also surrounds the end of a command that waited and was not served.
	Ended bool
	// Aborted says that the layer also surrounds, in place of EXEC, its refusal before it begins.
	Aborted bool
	// Describe tells what the layer does for s, for DEBUG BUS. It may be nil.
	Describe func(s *Spec) string
}

// Spec describes one command: the row from which COMMAND, COMMAND DOCS, key
// extraction, locking, routing, help and metrics derive. A Spec is immutable
// once registered.
type Spec struct {
	Name  string // lower case; a subcommand's own name without its container
	Run   Handler
	Arity int // as Redis: exact count with the command's name, or minimum if negative
	Flags Flags
	Cats  Categories // beyond those that the flags imply
	Keys  []KeySpec
	// Extract finds keys that Keys cannot describe (SORT STORE, MIGRATE KEYS),
	// or their exact flags. It appends to refs and returns it; args includes the name.
	Extract func(args [][]byte, refs []KeyRef) ([]KeyRef, error)
	// Subs are the subcommands of a container such as CLIENT.
	Subs []Spec
	// Plan says, for LockPlan, which keys' stripes to lock, or that the command needs
	// the whole keyspace.
	Plan func(c *Ctx) (keys [][]byte, whole bool)
	// Parks says whether the command waits for what it has to gather before it can answer, so that EXEC must
	// let it do so before it locks. nil: never.
	Parks func(args [][]byte) bool
	// Secrets names the arguments that nobody but the handler may see, by their index; nil: there are none. The
	// arguments may be wrong.
	Secrets func(args [][]byte) []int
	// Immediate says that the command runs while its client is in MULTI, instead of being queued.
	Immediate bool
	// Lock overrides what the lock layer takes from the key specs.
	Lock LockMode
	// Swaps says that the command swaps databases.
	Swaps bool
	// Probe says that clients ask by it whether all is well: while the data can not be saved, or the log takes
	// nothing, it is refused as writes are.
	Probe bool
	// Subscriber says that a client of RESP2 with subscriptions may call it.
	Subscriber bool
	// Pushes says that its replies are pushes, which CLIENT REPLY does not silence.
	Pushes bool

	Group      string // Redis' group: string, generic, connection, server, ...
	Since      string // version that introduced it
	Complexity string
	Usage      string    // arguments in the notation of Redis' manual
	Args       []ArgNote // what Usage does not tell of them
	Summary    string    // one sentence
	Deprecated string    // version that deprecated it, "" if none
	ReplacedBy string    // what to use instead, with Deprecated
	History    []Change
	Tips       []string // Redis' command tips

	full string // "client|kill"; set at registration
	id   int    // index into the counters; set at registration
}

// Change is one line of a command's history.
type Change struct{ Version, Note string }

// FullName is the name with its container's, as Redis prints it: "client|kill".
func (s *Spec) FullName() string {
	if s.full == "" {
		return s.Name
	}
	return s.full
}

// Redacted stands where SLOWLOG and MONITOR do not show an argument.
const Redacted = "(redacted)"

// HiddenArgs returns the indexes of the arguments that SLOWLOG and MONITOR must not show.
func (s *Spec) HiddenArgs(args [][]byte) []int {
	if s.Secrets == nil {
		return nil
	}
	return s.Secrets(args)
}

// LockMode says what the lock layer does for a command.
type LockMode uint8

const (
	// LockKeys locks the stripes of the command's keys; none if it has no keys.
	LockKeys LockMode = iota
	// LockExclusive runs the command alone on the whole keyspace.
	LockExclusive
	// LockPlan locks what Spec.Plan says.
	LockPlan
	// LockNone takes nothing: the handler does not touch the keyspace, or uses
	// the keyspace-wide reads, which lock for themselves.
	LockNone
)

// Flags are a command's properties, named as in COMMAND INFO.
type Flags uint32

// The flags, in the order in which COMMAND INFO lists them. MayReplicate, Sentinel and
// Protected are not shown, as in Redis.
const (
	Write Flags = 1 << iota
	ReadOnly
	DenyOOM
	Module
	Admin
	PubSub
	NoScript
	Blocking
	Loading
	Stale
	SkipMonitor
	SkipSlowlog
	Asking
	Fast
	NoAuth
	NoMandatoryKeys
	NoAsyncLoading
	NoMulti
	MovableKeys
	AllowBusy
	MayReplicate
	Protected
)

// flagNames holds the shown flags in order.
var flagNames = []struct {
	flag Flags
	name string
}{
	{Write, "write"},
	{ReadOnly, "readonly"},
	{DenyOOM, "denyoom"},
	{Module, "module"},
	{Admin, "admin"},
	{PubSub, "pubsub"},
	{NoScript, "noscript"},
	{Blocking, "blocking"},
	{Loading, "loading"},
	{Stale, "stale"},
	{SkipMonitor, "skip_monitor"},
	{SkipSlowlog, "skip_slowlog"},
	{Asking, "asking"},
	{Fast, "fast"},
	{NoAuth, "no_auth"},
	{NoMandatoryKeys, "no_mandatory_keys"},
	{NoAsyncLoading, "no_async_loading"},
	{NoMulti, "no_multi"},
	{MovableKeys, "movablekeys"},
	{AllowBusy, "allow_busy"},
}

// Names lists the flags as COMMAND INFO shows them.
func (f Flags) Names() []string {
	var names []string
	for _, n := range flagNames {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// Categories are ACL categories.
type Categories uint32

// The ACL categories in Redis' order.
const (
	CatKeyspace Categories = 1 << iota
	CatRead
	CatWrite
	CatSet
	CatSortedSet
	CatList
	CatHash
	CatString
	CatBitmap
	CatHyperLogLog
	CatGeo
	CatStream
	CatPubSub
	CatAdmin
	CatFast
	CatSlow
	CatBlocking
	CatDangerous
	CatConnection
	CatTransaction
	CatScripting
)

// categoryNames are the names in the order of the bits.
var categoryNames = []string{
	"keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap",
	"hyperloglog", "geo", "stream", "pubsub", "admin", "fast", "slow", "blocking",
	"dangerous", "connection", "transaction", "scripting",
}

// Names lists the categories without the leading @.
func (c Categories) Names() []string {
	var names []string
	for i, n := range categoryNames {
		if c&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return names
}

// ParseCategory returns the category of that name.
func ParseCategory(name string) (Categories, bool) {
	for i, n := range categoryNames {
		if n == name {
			return 1 << i, true
		}
	}
	return 0, false
}

// Categories returns the spec's own categories and those that its flags imply.
func (s *Spec) Categories() Categories {
	c := s.Cats
	for _, r := range []struct {
		flag Flags
		cats Categories
	}{
		{Write, CatWrite},
		{Admin, CatAdmin | CatDangerous},
		{PubSub, CatPubSub},
		{Fast, CatFast},
		{Blocking, CatBlocking},
	} {
		if s.Flags&r.flag != 0 {
			c |= r.cats
		}
	}
	if s.Flags&ReadOnly != 0 && c&CatScripting == 0 {
		c |= CatRead
	}
	if c&CatFast == 0 {
		c |= CatSlow
	}
	return c
}

// Touches reports whether the command can read or change keys.
func (s *Spec) Touches() bool {
	return len(s.Keys) > 0 || s.Extract != nil || s.Lock == LockExclusive || s.Lock == LockPlan || s.Flags&(Write|ReadOnly) != 0
}
