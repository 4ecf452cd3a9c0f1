package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// ErrAddrInUse is wrapped by the error of New when somebody listens on the port.
var ErrAddrInUse = errors.New("address already in use")

// InUseError says that a port is taken, and by whom.
type InUseError struct {
	Host string // as in BindAddr
	Port int
	By   string // what answers there, "" if nothing does
	Free int    // a free port above it, 0 if none was found
	Err  error  // of the system
}

// Error begins with the words that Redis uses and tools look for.
func (e *InUseError) Error() string {
	text := fmt.Sprintf("Failed listening on port %d (TCP): address already in use", e.Port)
	if e.By != "" {
		text = fmt.Sprintf("Failed listening on port %d (TCP): %d is %s", e.Port, e.Port, e.By)
	}
	if e.Free != 0 {
		text += fmt.Sprintf("; try --port %d", e.Free)
	}
	return text
}

// Unwrap gives ErrAddrInUse and the system's error.
func (e *InUseError) Unwrap() []error { return []error{ErrAddrInUse, e.Err} }

// inUse finds out who has the port of a.
func inUse(a BindAddr, port int, err error) *InUseError {
	host := a.Host
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
		if a.Network == "tcp6" || ip != nil && ip.To4() == nil {
			host = "::1"
		}
	}
	return &InUseError{Host: a.Host, Port: port, By: whoAnswers(net.JoinHostPort(host, strconv.Itoa(port))), Free: freePort(a, port), Err: err}
}

// askTime is how long the owner of a taken port has to answer.
const askTime = 200 * time.Millisecond

// whoAnswers asks the server at addr what it is.
func whoAnswers(addr string) string {
	deadline := time.Now().Add(askTime)
	nc, err := net.DialTimeout("tcp", addr, askTime)
	if err != nil {
		return ""
	}
	defer nc.Close()
	_ = nc.SetDeadline(deadline)
	if _, err := io.WriteString(nc, "INFO server\r\n"); err != nil {
		return ""
	}
	answer := make([]byte, 0, 4096)
	for len(answer) < cap(answer) {
		n, err := nc.Read(answer[len(answer):cap(answer)])
		answer = answer[:len(answer)+n]
		if who := identify(answer); who != "" {
			return who
		}
		if err != nil {
			break
		}
	}
	if len(answer) == 0 {
		return "a server that does not answer"
	}
	first, _, _ := bytes.Cut(answer, []byte("\n"))
	return fmt.Sprintf("a server that answers %.40q", bytes.TrimSpace(first))
}

// identify recognises a server by what it answers to INFO, "" if it does not (yet).
func identify(answer []byte) string {
	text := string(answer)
	for _, f := range []struct{ field, name string }{
		{"\nreredis_version:", "reredis "}, {"\nvalkey_version:", "valkey-server "}, {"\nredis_version:", "redis-server "},
	} {
		if _, rest, ok := strings.Cut(text, f.field); ok {
			if version, _, ok := strings.Cut(rest, "\r"); ok {
				return f.name + version
			}
		}
	}
	switch {
	case strings.HasPrefix(text, "-NOAUTH"):
		return "a Redis server with a password"
	case strings.HasPrefix(text, "-DENIED"):
		return "a Redis server in protected mode"
	case strings.HasPrefix(text, "HTTP/"), strings.HasPrefix(strings.ToLower(text), "<!doctype html"):
		return "a web server"
	}
	return ""
}

// freePort returns a port above port that a can listen on.
func freePort(a BindAddr, port int) int {
	for p := port + 1; p <= min(port+20, 65535); p++ {
		if ln, err := net.Listen("tcp", net.JoinHostPort(a.Host, strconv.Itoa(p))); err == nil {
			_ = ln.Close()
			return p
		}
	}
	return 0
}
