package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/reredis/reredis/internal/resp"
)

// conn is a connection to a server.
type conn struct {
	nc  net.Conn
	r   *bufio.Reader
	out []byte
}

func dial(ctx context.Context, network, address string) (*conn, error) {
	d := net.Dialer{KeepAlive: 15 * time.Second}
	nc, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &conn{nc: nc, r: bufio.NewReaderSize(nc, 64<<10)}, nil
}

func (c *conn) close() { c.nc.Close() }

// send writes a command.
func (c *conn) send(args ...string) error {
	c.out = resp.AppendCommand(c.out[:0], args...)
	_, err := c.nc.Write(c.out)
	return err
}

// read returns the next reply or push. Canceling ctx closes the connection and
// so ends the reading.
func (c *conn) read(ctx context.Context) (resp.Value, error) {
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	v, err := resp.ReadReply(c.r)
	if ctx.Err() != nil {
		return resp.Value{}, ctx.Err()
	}
	return v, err
}

// reason says why a connection failed in the words that redis-cli uses.
func reason(err error) string {
	var errno syscall.Errno
	var dns *net.DNSError
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "Server closed the connection"
	case errors.As(err, &errno):
		return upperFirst(errno.Error())
	case errors.As(err, &dns):
		return upperFirst(dns.Err)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "Connection timed out"
	default:
		return err.Error()
	}
}

func upperFirst(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + strings.TrimPrefix(s, s[:size])
}
