package commands

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"

	"github.com/reredis/reredis/bus"
)

// defaultUser is the user that connections have until they say otherwise.
const defaultUser = "default"

// RedisVersion is the version whose behaviour the commands have; HELLO and INFO
// report it, because clients derive from it what they may use.
const RedisVersion = "7.0.15"

var (
	errNoPassword = errors.New("ERR AUTH <password> called without any password configured for the " +
		"default user. Are you sure your configuration is correct?")
	errWrongPass = errors.New("WRONGPASS invalid username-password pair or user is disabled.")
	errNoProto   = errors.New("NOPROTO unsupported protocol version")
	errProtoInt  = errors.New("ERR Protocol version is not an integer or out of range")
	errHelloAuth = errors.New("NOAUTH HELLO must be called with the client already authenticated, " +
		"otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and " +
		"select the RESP protocol version at the same time")
)

// authenticate makes user the connection's if the password is right.
func (h *connection) authenticate(c *bus.Ctx, user, password []byte) error {
	want := h.d.password()
	if string(user) != defaultUser || (want != "" && !samePassword(password, want)) {
		return errWrongPass
	}
	c.Client.User, c.Client.Authenticated = defaultUser, true
	return nil
}

// samePassword compares in a time that depends on neither content nor the length
// of the wanted one.
func samePassword(got []byte, want string) bool {
	a, b := sha256.Sum256(got), sha256.Sum256([]byte(want))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

func (h *connection) auth(c *bus.Ctx) error {
	user, password := []byte(defaultUser), c.Args[1]
	switch {
	case len(c.Args) > 3:
		return bus.ErrSyntax
	case len(c.Args) == 3:
		user, password = c.Args[1], c.Args[2]
	case h.d.password() == "":
		return errNoPassword
	}
	if err := h.authenticate(c, user, password); err != nil {
		return err
	}
	c.Reply.OK()
	return nil
}

// authSecrets are the user and the password.
func authSecrets(args [][]byte) []int {
	switch len(args) {
	case 2:
		return []int{1}
	case 3:
		return []int{1, 2}
	}
	return nil
}

// helloSecrets are the user and the password, if they are given.
func helloSecrets(args [][]byte) []int {
	for i := 2; i+2 < len(args); i++ {
		if bus.EqualFold(args[i], "AUTH") {
			return []int{i + 1, i + 2}
		}
	}
	return nil
}

func (h *connection) hello(c *bus.Ctx) error {
	proto := int64(0)
	args := c.Args[1:]
	if len(args) > 0 {
		n, ok := parseInt(args[0])
		if !ok {
			return errProtoInt
		}
		if n < 2 || n > 3 {
			return errNoProto
		}
		proto, args = n, args[1:]
	}
	for len(args) > 0 {
		switch {
		case bus.EqualFold(args[0], "AUTH") && len(args) > 2:
			if err := h.authenticate(c, args[1], args[2]); err != nil {
				return err
			}
			args = args[3:]
		case bus.EqualFold(args[0], "SETNAME") && len(args) > 1:
			if err := setClientName(c.Client, args[1]); err != nil {
				return err
			}
			args = args[2:]
		default:
			return fmt.Errorf("ERR Syntax error in HELLO option '%s'", quotable(args[0]))
		}
	}
	if !c.Client.Authenticated && h.d.password() != "" {
		return errHelloAuth
	}
	if proto != 0 {
		c.Client.Proto = int(proto)
		c.Reply.SetProto(int(proto))
	}
	r := &c.Reply
	r.Map(7)
	r.BulkString("server")
	r.BulkString("redis")
	r.BulkString("version")
	r.BulkString(RedisVersion)
	r.BulkString("proto")
	r.Int(int64(r.Proto()))
	r.BulkString("id")
	r.Int(c.Client.ID)
	r.BulkString("mode")
	r.BulkString("standalone")
	r.BulkString("role")
	r.BulkString("master")
	r.BulkString("modules")
	r.Array(0)
	return nil
}
