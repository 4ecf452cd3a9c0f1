package commands

import (
	"errors"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/resp"
)

var (
	errProtocolType = errors.New("ERR Wrong protocol type name. Please use one of the following: " +
		"string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false")
	errNoPush = errors.New("ERR RESP2 is not supported by this command")
)

// protocolSamples are the replies of DEBUG PROTOCOL.
var protocolSamples = map[string]func(r *bus.Reply) error{
	"string":   func(r *bus.Reply) error { r.BulkString("Hello World"); return nil },
	"integer":  func(r *bus.Reply) error { r.Int(12345); return nil },
	"double":   func(r *bus.Reply) error { r.Double(3.141); return nil },
	"bignum":   func(r *bus.Reply) error { r.BigNumber("1234567999999999999999999999999999999"); return nil },
	"null":     func(r *bus.Reply) error { r.Null(); return nil },
	"true":     func(r *bus.Reply) error { r.Bool(true); return nil },
	"false":    func(r *bus.Reply) error { r.Bool(false); return nil },
	"verbatim": func(r *bus.Reply) error { r.Verbatim("txt", "This is a verbatim\nstring"); return nil },
	"array": func(r *bus.Reply) error {
		r.Array(3)
		return countTo(r, 3)
	},
	"set": func(r *bus.Reply) error {
		r.Set(3)
		return countTo(r, 3)
	},
	"map": func(r *bus.Reply) error {
		r.Map(3)
		for i := range int64(3) {
			r.Int(i)
			r.Bool(i == 1)
		}
		return nil
	},
	"attrib": func(r *bus.Reply) error {
		if r.Proto() > 2 {
			r.Append(func(b []byte) []byte { return resp.AppendAttribute(b, 1) })
			r.BulkString("key-popularity")
			r.Array(2)
			r.BulkString("key:123")
			r.Int(90)
		}
		r.BulkString("Some real reply following the attribute")
		return nil
	},
	"push": func(r *bus.Reply) error {
		if r.Proto() < 3 {
			return errNoPush
		}
		r.Push(2)
		r.BulkString("server-cpu-usage")
		r.Int(42)
		r.BulkString("Some real reply following the push reply")
		return nil
	},
}

// countTo writes 0 to n-1.
func countTo(r *bus.Reply, n int64) error {
	for i := range n {
		r.Int(i)
	}
	return nil
}

func (h *server) debugProtocol(c *bus.Ctx) error {
	for name, sample := range protocolSamples {
		if bus.EqualFold(c.Args[2], name) {
			return sample(&c.Reply)
		}
	}
	return errProtocolType
}
