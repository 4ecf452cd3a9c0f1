package commands

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/bus/tracking"
)

// clientTracks are the subcommands of CLIENT for client-side caching.
func (h *connection) clientTracks() []bus.Spec {
	return []bus.Spec{
		{
			Name: "tracking", Run: h.clientTracking, Parks: trackingParks, Arity: -3, Flags: clientFlags, Cats: bus.CatConnection,
			Group: "connection", Since: "6.0.0", Complexity: "O(1). Some options may introduce additional complexity.",
			Usage:   "<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
			Args:    []bus.ArgNote{{Arg: "on_off", Name: "status"}},
			Summary: "Says whether the connection, or another, is told when keys change that it has read, or that begin with prefixes.",
		},
		{
			Name: "caching", Run: h.clientCaching, Arity: 3, Flags: clientFlags, Cats: bus.CatConnection,
			Group: "connection", Since: "6.0.0", Complexity: "O(1)",
			Usage:   "<YES | NO>",
			Args:    []bus.ArgNote{{Arg: "yes_no", Name: "mode"}},
			Summary: "Says whether the keys of the next command are tracked, in the modes OPTIN and OPTOUT.",
		},
		{
			Name: "trackinginfo", Run: h.clientTrackingInfo, Arity: 2, Flags: clientFlags, Cats: bus.CatConnection,
			Group: "connection", Since: "6.2.0", Complexity: "O(1)",
			Summary: "Tells how the connection tracks keys.",
		},
		{
			Name: "getredir", Run: h.clientGetRedir, Arity: 2, Flags: clientFlags, Cats: bus.CatConnection,
			Group: "connection", Since: "6.0.0", Complexity: "O(1)",
			Summary: "Tells to which connection invalidations go: 0 is this one, -1 none.",
		},
	}
}

// Errors of CLIENT TRACKING and CLIENT CACHING, in Redis' words.
var (
	errOneRedirect    = errors.New("ERR A client can only redirect to a single other client")
	errNoRedirect     = errors.New("ERR The client ID you want redirect to does not exist")
	errPrefixMode     = errors.New("ERR PREFIX option requires BCAST mode to be enabled")
	errSwitchBcast    = errors.New("ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it with a different mode.")
	errOptBcast       = errors.New("ERR OPTIN and OPTOUT are not compatible with BCAST")
	errOptBoth        = errors.New("ERR You can't specify both OPTIN mode and OPTOUT mode")
	errSwitchOpt      = errors.New("ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it with a different mode.")
	errCachingMode    = errors.New("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
	errCachingYesMode = errors.New("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
	errCachingNoMode  = errors.New("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
)

// trackingCall is what a CLIENT TRACKING asks for.
type trackingCall struct {
	on       bool
	redirect int64 // number of a client, 0: none
	opts     tracking.Options
	// err is the error to reply with, unless the client named before it does not exist.
	err error
}

// parseTracking reads the arguments of CLIENT TRACKING.
func parseTracking(args [][]byte) (t trackingCall) {
	for i := 3; i < len(args); i++ {
		more := i+1 < len(args)
		switch a := args[i]; {
		case bus.EqualFold(a, "REDIRECT") && more:
			if t.redirect != 0 {
				t.err = errOneRedirect
				return t
			}
			i++
			if t.redirect, t.err = integer(args[i]); t.err != nil {
				return t
			}
			if t.redirect <= 0 {
				t.redirect, t.err = 0, errNoRedirect
				return t
			}
		case bus.EqualFold(a, "BCAST"):
			t.opts.Broadcast = true
		case bus.EqualFold(a, "OPTIN"):
			t.opts.OptIn = true
		case bus.EqualFold(a, "OPTOUT"):
			t.opts.OptOut = true
		case bus.EqualFold(a, "NOLOOP"):
			t.opts.NoLoop = true
		case bus.EqualFold(a, "PREFIX") && more:
			i++
			t.opts.Prefixes = append(t.opts.Prefixes, string(args[i]))
		default:
			t.err = bus.ErrSyntax
			return t
		}
	}
	switch {
	case bus.EqualFold(args[2], "ON"):
		t.on = true
	case !bus.EqualFold(args[2], "OFF"):
		t.err = bus.ErrSyntax
	}
	return t
}

// trackingParks reports whether CLIENT TRACKING has something to wait for.
func trackingParks(args [][]byte) bool {
	t := parseTracking(args)
	return t.redirect != 0 || t.on
}

// trackingReady wakes a CLIENT TRACKING when the tracker is ready; target is the client that it names, nil if there is
// none.
type trackingReady struct{ target *tracking.Target }

func (h *connection) clientTracking(c *bus.Ctx) error {
	t, tr := parseTracking(c.Args), h.d.Tracking
	ready, woken := c.Woken().(trackingReady)
	if !woken {
		// EXEC lets it wait before it locks anything; then it must change nothing yet.
		gathers := c.Client.InMulti() && !c.Held
		if t.redirect != 0 || t.on && t.err == nil && (gathers || !tr.Ready()) {
			return h.prepareTracking(c, t.redirect)
		}
	}
	if t.redirect != 0 {
		if ready.target == nil {
			return errNoRedirect
		}
		t.opts.Redirect = ready.target
	}
	switch {
	case t.err != nil:
		return t.err
	case !t.on:
		tr.Disable(c.Client)
	default:
		if err := checkTracking(tr.Info(c.Client), &t.opts); err != nil {
			return err
		}
		if !tr.Enable(c.Client, t.opts) {
			if !c.Held {
				return h.prepareTracking(c, t.redirect)
			}
			tr.EnableLate(c, h.d.Clients, t.opts)
		}
	}
	c.Reply.OK()
	return nil
}

// prepareTracking lets the command wait until the tracker is ready and has looked for a client.
func (h *connection) prepareTracking(c *bus.Ctx, id int64) error {
	return c.Park(func(wake func(any)) {
		h.d.Tracking.Prepare(h.d.Clients, id, func(x *tracking.Target) { wake(trackingReady{x}) })
	})
}

// checkTracking reports options that do not go together, or not with those in force.
func checkTracking(now tracking.Info, o *tracking.Options) error {
	switch {
	case !o.Broadcast && len(o.Prefixes) > 0:
		return errPrefixMode
	case now.On && now.Broadcast != o.Broadcast:
		return errSwitchBcast
	case o.Broadcast && (o.OptIn || o.OptOut):
		return errOptBcast
	case o.OptIn && o.OptOut:
		return errOptBoth
	case o.OptIn && now.OptOut || o.OptOut && now.OptIn:
		return errSwitchOpt
	}
	for i, p := range o.Prefixes {
		if k := slices.IndexFunc(now.Prefixes, func(q string) bool { return overlap(p, q) }); k >= 0 {
			return prefixError(p, "an existing", now.Prefixes[k])
		}
		if k := slices.IndexFunc(o.Prefixes[i+1:], func(q string) bool { return overlap(p, q) }); k >= 0 {
			return prefixError(p, "another provided", o.Prefixes[i+1+k])
		}
	}
	return nil
}

// overlap reports whether there are keys that begin with both.
func overlap(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

func prefixError(p, which, q string) error {
	return fmt.Errorf("ERR Prefix '%s' overlaps with %s prefix '%s'. Prefixes for a single client must not overlap.",
		quotable([]byte(p)), which, quotable([]byte(q)))
}

func (h *connection) clientCaching(c *bus.Ctx) error {
	now := h.d.Tracking.Info(c.Client)
	switch yes := bus.EqualFold(c.Args[2], "YES"); {
	case !now.On:
		return errCachingMode
	case !yes && !bus.EqualFold(c.Args[2], "NO"):
		return bus.ErrSyntax
	case yes && !now.OptIn:
		return errCachingYesMode
	case !yes && !now.OptOut:
		return errCachingNoMode
	}
	h.d.Tracking.Caching(c.Client)
	c.Reply.OK()
	return nil
}

func (h *connection) clientGetRedir(c *bus.Ctx) error {
	c.Reply.Int(redirect(c.Client))
	return nil
}

func (h *connection) clientTrackingInfo(c *bus.Ctx) error {
	now := h.d.Tracking.Info(c.Client)
	var flags []string
	for _, f := range []struct {
		on   bool
		name string
	}{
		{now.On, "on"},
		{!now.On, "off"},
		{now.Broadcast, "bcast"},
		{now.OptIn, "optin"},
		{now.OptIn && now.Caching, "caching-yes"},
		{now.OptOut, "optout"},
		{now.OptOut && now.Caching, "caching-no"},
		{now.NoLoop, "noloop"},
		{now.Broken, "broken_redirect"},
	} {
		if f.on {
			flags = append(flags, f.name)
		}
	}
	r := &c.Reply
	r.Map(3)
	r.BulkString("flags")
	r.Set(len(flags))
	for _, f := range flags {
		r.BulkString(f)
	}
	r.BulkString("redirect")
	r.Int(now.RedirectedTo)
	r.BulkString("prefixes")
	r.Array(len(now.Prefixes))
	for _, p := range now.Prefixes {
		r.BulkString(p)
	}
	return nil
}
