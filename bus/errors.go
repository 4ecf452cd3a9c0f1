package bus

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/reredis/reredis/keyspace"
)

// Errors whose texts are Redis'.
var (
	ErrSyntax     = errors.New("ERR syntax error")
	ErrNotInteger = errors.New("ERR value is not an integer or out of range")
	ErrNotFloat   = errors.New("ERR value is not a valid float")
	ErrOutOfRange = errors.New("ERR value is out of range")
	ErrNoKey      = errors.New("ERR no such key")
	ErrNoAuth     = errors.New("NOAUTH Authentication required.")
	ErrOOM        = keyspace.ErrOOM
)

// ErrArity is the error for a wrong number of arguments; name as FullName gives it.
func ErrArity(name string) error {
	return errors.New("ERR wrong number of arguments for '" + name + "' command")
}

// ErrSubcommand is what a container answers when it knows the subcommand but not
// with these arguments.
func ErrSubcommand(container string, sub []byte) error {
	return fmt.Errorf("ERR unknown subcommand or wrong number of arguments for '%s'. Try %s HELP.",
		Quotable(sub, quoted), strings.ToUpper(container))
}

// errUnknown is the error for a name that no command has.
func errUnknown(args [][]byte) error {
	var b strings.Builder
	for _, a := range args[1:] {
		if b.Len() >= quoted {
			break
		}
		b.WriteByte('\'')
		b.Write(Quotable(a, quoted+1-b.Len()))
		b.WriteString("' ")
	}
	return fmt.Errorf("ERR unknown command '%s', with args beginning with: %s", Quotable(args[0], quoted), b.String())
}

// errUnknownSub is the error for a subcommand that its container lacks.
func errUnknownSub(container, sub []byte) error {
	return fmt.Errorf("ERR unknown subcommand '%s'. Try %s HELP.", Quotable(sub, quoted), strings.ToUpper(string(container)))
}

// errConfined is the error for a command that a client of RESP2 with subscriptions may not call.
func errConfined(s *Spec) error {
	return fmt.Errorf("ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "+
		"are allowed in this context", s.FullName())
}

// quoted is how much of an argument most errors repeat.
const quoted = 128

// Quotable is what an error repeats of an argument: as in Redis, whose texts are C strings, what stands before its
// first zero byte, at most limit bytes.
func Quotable(b []byte, limit int) []byte {
	b = b[:min(len(b), limit)]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return b
}
