package bus

import "time"

// Client is what commands know and change of the connection they came by. It
// belongs to the goroutine that drives the connection; others reach it through
// the driver's messages only.
type Client struct {
	ID        int64
	Addr      string // peer, "ip:port", "[v6]:port" or the unix socket's path with ":0"
	LocalAddr string
	FD        int
	Created   int64 // unix ms
	LastSeen  int64 // unix ms of the last command

	Name    string
	LibName string
	LibVer  string
	User    string // "default"

	DB            int
	Proto         int // 2 or 3
	Authenticated bool
	Local         bool // a unix socket or a loopback peer
	Unix          bool // came by a unix socket
	NoEvict       bool
	NoTouch       bool

	// Out takes pushes to the client and Conn is the driver's own name for it; both are set before the
	// first command and never changed, so that any goroutine may read them.
	Out  Outlet
	Conn any
	// Class says which output limits hold.
	Class Class
	// Sub is what the client has subscribed to, nil before its first subscription.
	Sub Subscriptions

	// Track is how the client tracks keys, or takes the messages of others that do; nil if it never did.
	Track Tracking

	// Kept is how many bytes commands keep for the client beside its transaction (what it subscribes to or
	// tracks). Whoever keeps them adds and takes away.
	Kept int
	// Monitor says whether the client is shown all commands.
	Monitor MonitorState
	// Multi is the transaction, nil before the first MULTI or WATCH.
	Multi *Multi
	// Blocked says that the client's command waits or is paused, as CLIENT LIST shows it.
	Blocked bool
	// CloseAfterReply asks the driver to close once what is written has left.
	CloseAfterReply bool
	// Replies is the state of CLIENT REPLY.
	Replies ReplyMode

	// Last is the last command, nil before the first.
	Last *Spec
	// Calls counts the commands.
	Calls int64

	closers []func()      // see OnClose
	began   time.Duration // Ctx.began of the command that waits
}

// MonitorState says whether a client is shown all commands (MONITOR).
type MonitorState uint8

// The states of a client towards MONITOR.
const (
	MonitorNever MonitorState = iota // it never was
	MonitorLeft                      // it was
	MonitorOn                        // it is
)

// Monitoring reports whether the client is shown all commands.
func (c *Client) Monitoring() bool { return c.Monitor == MonitorOn }

// Subscriptions counts what a client has subscribed to.
type Subscriptions interface {
	Counts() (channels, patterns, shards int)
}

// Tracking tells how a client tracks keys (CLIENT TRACKING).
type Tracking interface {
	// Letters are the flags in CLIENT LIST.
	Letters() string
	// Redirect is the number of the client that gets the messages, 0: the client itself, -1: it does not track.
	Redirect() int64
}

// Subscribed reports whether the client has subscribed to anything.
func (c *Client) Subscribed() bool { return c.Class == ClassPubSub }

// Confined reports whether the client may call nothing but commands about its subscriptions.
func (c *Client) Confined() bool { return c.Class == ClassPubSub && c.Proto < 3 }

// Memory is about how many bytes are kept for the client from one command to the next.
func (c *Client) Memory() int {
	if c.Multi == nil {
		return c.Kept
	}
	return c.Kept + c.Multi.memory()
}

// ReplyMode is the state of CLIENT REPLY.
type ReplyMode uint8

// The reply modes. SkipNext is set by CLIENT REPLY SKIP and swallows its own reply; the
// following command runs under SkipThis, which swallows that one's.
const (
	ReplyOn ReplyMode = iota
	ReplyOff
	ReplySkipNext
	ReplySkipThis
)

// ConnState is what the driver knows of a connection beside its Client, in bytes
// where not said otherwise.
type ConnState struct {
	QueryBuf, QueryBufFree int
	ArgvMem                int
	OutBuf                 int // in the connection's output buffer
	OutBufSize, OutBufPeak int // that buffer's capacity now and its largest fill
	OutList                int // further buffers waiting (count)
	OutListMem             int
	TotalMem               int
	Events                 string
	IdleMillis             int64
}
