package resp

import "math"

// Defaults of [Limits], those of Redis 7.0.
const (
	DefaultMaxBulk      = 512 << 20     // bytes of one argument, proto-max-bulk-len
	DefaultMaxMultibulk = math.MaxInt32 // arguments of one command
	DefaultMaxInline    = 64 << 10      // bytes of an inline command or of a length line
)

// What a client may send before it has authenticated, when a password is set.
const (
	maxUnauthMultibulk = 10
	maxUnauthBulk      = 16384
)

// Limits bounds what a [Parser] accepts. A zero field means its default, and a
// nil *Limits all defaults. Limits may change between two calls of Next; a
// command in progress keeps what has already been accepted of it.
type Limits struct {
	MaxBulk      int64 // longest argument in bytes (proto-max-bulk-len)
	MaxMultibulk int   // most arguments of a command
	MaxInline    int   // longest inline command or length line in bytes
	Unauth       bool  // authentication is required and has not happened: 10 arguments of 16,384 bytes
}

// maxBulk returns the longest argument that is allowed to exist, ignoring Unauth.
func (l *Limits) maxBulk() int {
	if l == nil || l.MaxBulk <= 0 {
		return DefaultMaxBulk
	}
	return int(min(l.MaxBulk, math.MaxInt-2))
}

func (l *Limits) maxMultibulk() int {
	if l == nil || l.MaxMultibulk <= 0 {
		return DefaultMaxMultibulk
	}
	return min(l.MaxMultibulk, math.MaxInt32)
}

func (l *Limits) maxInline() int {
	if l == nil || l.MaxInline <= 0 {
		return DefaultMaxInline
	}
	return l.MaxInline
}

func (l *Limits) unauth() bool { return l != nil && l.Unauth }

// ProtocolError says that a client broke the protocol. Its text is the one
// Redis sends after "-ERR ", for example "Protocol error: invalid bulk length".
// The connection is out of step then: send the error and close it.
type ProtocolError struct {
	text string
}

// Error returns the text of the reply without the code "ERR".
func (e *ProtocolError) Error() string { return e.text }

// The protocol errors of Redis 7.0; "expected '$'" names the byte it got and is
// made when it happens.
var (
	errBigInline       = &ProtocolError{"Protocol error: too big inline request"}
	errQuotes          = &ProtocolError{"Protocol error: unbalanced quotes in request"}
	errBigMultibulk    = &ProtocolError{"Protocol error: too big mbulk count string"}
	errMultibulk       = &ProtocolError{"Protocol error: invalid multibulk length"}
	errUnauthMultibulk = &ProtocolError{"Protocol error: unauthenticated multibulk length"}
	errBigBulk         = &ProtocolError{"Protocol error: too big bulk count string"}
	errBulk            = &ProtocolError{"Protocol error: invalid bulk length"}
	errUnauthBulk      = &ProtocolError{"Protocol error: unauthenticated bulk length"}
)

// errExpectedDollar reports the byte that stands where an argument should begin.
// Line ends become spaces, as in every Redis error.
func errExpectedDollar(got byte) *ProtocolError {
	if got == '\r' || got == '\n' {
		got = ' '
	}
	return &ProtocolError{"Protocol error: expected '$', got '" + string([]byte{got}) + "'"}
}
