package commands

import (
	"errors"
	"fmt"
	"slices"

	"github.com/reredis/reredis/bus"
)

var errClientID = errors.New("ERR Invalid client ID")

// clientRow is one line of CLIENT LIST.
type clientRow struct {
	id   int64
	line []byte
}

// clientList visits all connections, whose loops write their lines, while its own waits.
func (h *connection) clientList(c *bus.Ctx) error {
	if rows, ok := c.Woken().([]clientRow); ok {
		c.Reply.Verbatim("txt", joinRows(rows, c.Args))
		return nil
	}
	filtered, class := false, bus.ClassNormal
	args := c.Args[2:]
	switch {
	case len(args) == 2 && bus.EqualFold(args[0], "TYPE"):
		t, ok := parseClientType(args[1])
		if !ok {
			return fmt.Errorf("ERR Unknown client type '%s'", quotable(args[1]))
		}
		filtered, class = true, t
	case len(args) > 1 && bus.EqualFold(args[0], "ID"):
		for _, a := range args[1:] {
			if _, ok := parseInt(a); !ok {
				return errClientID
			}
		}
	case len(args) > 0:
		return bus.ErrSyntax
	}
	self, own, now := c.Client, ownState(c, bus.ConnState{}), c.Now()
	return c.Park(func(wake func(any)) {
		rows := []clientRow{}
		h.d.Clients.Each(func(cl *bus.Client, st bus.ConnState) bool {
			if filtered && cl.Class != class {
				return false
			}
			if cl == self {
				st = mergeOwn(st, own)
			}
			rows = append(rows, clientRow{cl.ID, appendClient(nil, cl, st, now)})
			return false
		}, func() { wake(rows) })
	})
}

// mergeOwn gives a connection that waits for its own CLIENT LIST the figures that it
// had when the command ran.
func mergeOwn(st, own bus.ConnState) bus.ConnState {
	own.QueryBufFree, own.TotalMem = st.QueryBufFree, max(st.TotalMem, own.TotalMem)
	return own
}

// joinRows puts the lines in the order of the ids, or in the order in which
// CLIENT LIST ID asks for them.
func joinRows(rows []clientRow, args [][]byte) string {
	slices.SortFunc(rows, func(a, b clientRow) int { return int(a.id - b.id) })
	var b []byte
	add := func(r clientRow) {
		b = append(b, r.line...)
		b = append(b, '\n')
	}
	if len(args) < 4 || !bus.EqualFold(args[2], "ID") {
		for _, r := range rows {
			add(r)
		}
		return string(b)
	}
	for _, a := range args[3:] {
		id, _ := parseInt(a)
		i, found := slices.BinarySearchFunc(rows, id, func(r clientRow, id int64) int { return int(r.id - id) })
		if found {
			add(rows[i])
		}
	}
	return string(b)
}
