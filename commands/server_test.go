package commands_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/reredis/reredis/commands"
)

func TestTime(t *testing.T) {
	v := newRig(t).connect().do("TIME")
	if len(v.Elems) != 2 {
		t.Fatal(show(v))
	}
	sec, err1 := strconv.ParseInt(string(v.Elems[0].Str), 10, 64)
	usec, err2 := strconv.Atoi(string(v.Elems[1].Str))
	if err1 != nil || err2 != nil || usec < 0 || usec > 999999 || time.Since(time.Unix(sec, 0)) > time.Minute {
		t.Error(show(v))
	}
}

func TestShutdown(t *testing.T) {
	r := newRig(t)
	cl := r.connect()
	cl.expect(
		"SHUTDOWN x", "-ERR syntax error",
		"SHUTDOWN SAVE NOSAVE", "-ERR syntax error",
		"SHUTDOWN ABORT NOW", "-ERR syntax error",
		"SHUTDOWN ABORT", "-ERR No shutdown in progress.",
	)
	if r.stopping != nil {
		t.Fatal("stopped")
	}
	r.failStop = errors.New("the disk is full")
	cl.expect("SHUTDOWN SAVE", "-ERR Errors trying to SHUTDOWN. Check logs.")
	if len(r.logged) != 1 || cl.closed {
		t.Errorf("after a failure: logged %q, closed %v", r.logged, cl.closed)
	}
	r.failStop = errStopping
	cl.expect("SHUTDOWN ABORT", "+OK")
	r.failStop = nil
	if out := cl.raw("SHUTDOWN", "nosave", "NOW", "force"); len(out) != 0 || !cl.closed {
		t.Errorf("SHUTDOWN answers %q, closed %v", out, cl.closed)
	}
	if *r.stopping != (commands.ShutdownOptions{NoSave: true, Now: true, Force: true}) {
		t.Errorf("%+v", *r.stopping)
	}
}

func TestConfig(t *testing.T) {
	r := newRig(t)
	r.failRewrite = errors.New("ERR The server is running without a config file")
	cl := r.connect()
	cl.expect(
		"CONFIG GET max*", `["maxmemory" "0"]`,
		"CONFIG GET nope", "[]",
		"CONFIG GET nope append* max*", `["appendonly" "no" "maxmemory" "0"]`,
		"CONFIG SET maxmemory 100", "+OK",
		"CONFIG SET maxmemory", "-ERR wrong number of arguments for 'config|set' command",
		"CONFIG SET maxmemory 1 x", "-ERR syntax error",
		"CONFIG GET maxmemory", `["maxmemory" "100"]`,
		"CONFIG", "-ERR wrong number of arguments for 'config' command",
		"CONFIG GET", "-ERR wrong number of arguments for 'config|get' command",
		"CONFIG NOPE", "-ERR unknown subcommand 'NOPE'. Try CONFIG HELP.",
		"CONFIG REWRITE", "-ERR The server is running without a config file",
		"CONFIG|GET x", "-ERR unknown command 'CONFIG|GET', with args beginning with: 'x' ",
	)
	r.failSet = errors.New("ERR CONFIG SET failed (possibly related to argument 'x') - why")
	cl.expect("CONFIG SET x y", "-"+r.failSet.Error())
	r.failRewrite = errors.New("a.yaml:1:1: a: unknown\na.yaml:2:1: b: unknown")
	cl.expect("CONFIG RELOAD", "-ERR CONFIG RELOAD failed, nothing has changed - a.yaml:1:1: a: unknown; a.yaml:2:1: b: unknown")
	r.failRewrite = nil
	cl.expect(
		"CONFIG RELOAD", `["changed" ["log.level"] "needs_restart" ["server.dir"]]`,
		"CONFIG ORIGIN maxmemory", `["parameter" "maxmemory" "value" "100" "origin" "default" "after_restart" nil]`,
		"DEBUG CONFIG-REWRITE-FORCE-ALL", "+OK",
		"CONFIG ORIGIN max*", `[["parameter" "maxmemory" "value" "100" "origin" "default" "after_restart" nil]]`,
		"CONFIG ORIGIN nope*", "[]",
		"CONFIG ORIGIN nope", "-ERR there is no such parameter",
		"MULTI", "+OK", "CONFIG RELOAD", "-ERR Command not allowed inside a transaction", "DISCARD", "+OK",
	)
	cl.expect("CONFIG REWRITE", "+OK", "HELLO 3", helloThree, "CONFIG GET maxmemory", `{"maxmemory" "100"}`)
	for _, c := range []struct {
		param string
		local bool
		want  bool
	}{{"yes", false, true}, {"local", true, true}, {"local", false, false}, {"no", true, false}, {"", true, false}} {
		r.failSet, r.params["enable-protected-configs"], cl.client.Local = nil, c.param, c.local
		cl.expect("CONFIG SET dir /tmp", "+OK")
		if r.protectedOK != c.want {
			t.Errorf("enable-protected-configs %q, local %v: protected parameters allowed: %v", c.param, c.local, r.protectedOK)
		}
	}
	if r.rewrites != 2 {
		t.Errorf("%d rewrites", r.rewrites)
	}
}

func TestFunctionFlush(t *testing.T) {
	newRig(t).connect().expect(
		"FUNCTION FLUSH", "+OK",
		"FUNCTION FLUSH ASYNC", "+OK",
		"FUNCTION FLUSH x", "-ERR FUNCTION FLUSH only supports SYNC|ASYNC option",
		"FUNCTION FLUSH x y", "-ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try FUNCTION HELP.",
		"FUNCTION LIST", "-ERR unknown subcommand 'LIST'. Try FUNCTION HELP.",
		"FUNCTION", "-ERR wrong number of arguments for 'function' command",
	)
}

func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s commands.Sample
		r := commands.NewRates(func() commands.Sample {
			s.Commands += 50
			s.InputBytes += 1000
			return s
		})
		if got := r.PerSecond(); got != (commands.Sample{}) {
			t.Errorf("before the first sample: %+v", got)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- r.Run(ctx) }()
		time.Sleep(10*time.Second + time.Millisecond) // of the bubble's clock
		synctest.Wait()
		if got := r.PerSecond(); got != (commands.Sample{Commands: 500, InputBytes: 10000}) {
			t.Errorf("%+v", got)
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	var none *commands.Rates
	if got := none.PerSecond(); got != (commands.Sample{}) {
		t.Errorf("%+v", got)
	}
}
