package bus

import (
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
func ErrSubcommand(container, sub string) error {
	return fmt.Errorf("ERR unknown subcommand or wrong number of arguments for '%.128s'. Try %s HELP.",
		sub, strings.ToUpper(container))
}

// errUnknown is the error for a name that no command has.
func errUnknown(args [][]byte) error {
	var b strings.Builder
	for _, a := range args[1:] {
		if b.Len() >= 128 {
			break
		}
		if room := 128 - b.Len(); len(a) > room {
			a = a[:room]
		}
		b.WriteByte('\'')
		b.Write(a)
		b.WriteString("' ")
	}
	return fmt.Errorf("ERR unknown command '%s', with args beginning with: %s", cut(args[0], 128), b.String())
}

// errUnknownSub is the error for a subcommand that its container lacks.
func errUnknownSub(container, sub []byte) error {
	return fmt.Errorf("ERR unknown subcommand '%s'. Try %s HELP.", cut(sub, 128), strings.ToUpper(string(container)))
}

// errConfined is the error for a command that a client of RESP2 with subscriptions may not call.
func errConfined(s *Spec) error {
	return fmt.Errorf("ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET "+
		"are allowed in this context", s.FullName())
}

func cut(b []byte, n int) []byte {
	if len(b) > n {
		return b[:n]
	}
	return b
}
