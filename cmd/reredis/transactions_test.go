package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/reredis/reredis/internal/resp"
)

func tryTransactions(t *testing.T, c *redis.Client, s *instance) {
	ctx := t.Context()
	var sum *redis.IntCmd
	cmds, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "a", 1, 0)
		sum = p.IncrBy(ctx, "a", 41)
		p.MGet(ctx, "a", "none")
		return nil
	})
	if err != nil || len(cmds) != 3 || sum.Val() != 42 {
		t.Errorf("a transaction: %v, %v", cmds, err)
	}

	// An error inside does not stop the others; one while queueing stops all.
	p := c.TxPipeline()
	p.Set(ctx, "text", "x", 0)
	bad, after := p.Incr(ctx, "text"), p.Incr(ctx, "a")
	if _, err := p.Exec(ctx); err == nil || bad.Err() == nil || after.Val() != 43 {
		t.Errorf("an error inside: %v, %v, %v", err, bad, after)
	}
	p = c.TxPipeline()
	p.Incr(ctx, "a")
	p.Do(ctx, "INCR")
	if _, err := p.Exec(ctx); err == nil || !strings.HasPrefix(err.Error(), "EXECABORT") && !strings.HasPrefix(err.Error(), "ERR wrong number") {
		t.Errorf("an error while queueing: %v", err)
	}
	is(t, "43")(c.Get(ctx, "a").Result())

	// WATCH: the transaction does not run after a change by another.
	other := s.client(t)
	watch := func(meddle func()) error {
		return c.Watch(ctx, func(tx *redis.Tx) error {
			n, err := tx.Get(ctx, "a").Int()
			if err != nil {
				return err
			}
			meddle()
			_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
				p.Set(ctx, "a", n+1, 0)
				return nil
			})
			return err
		}, "a", "b")
	}
	if err := watch(func() {}); err != nil {
		t.Error(err)
	}
	for _, meddle := range []func(){
		func() { other.Set(ctx, "a", "44", 0) },
		func() { other.Append(ctx, "b", "x") },
		func() { other.Del(ctx, "b") },
		func() { other.FlushAll(ctx); other.Set(ctx, "a", "44", 0) },
	} {
		if err := watch(meddle); !errors.Is(err, redis.TxFailedErr) {
			t.Errorf("after a change: %v", err)
		}
	}
	is(t, "44")(c.Get(ctx, "a").Result())
	if err := watch(func() {}); err != nil {
		t.Errorf("the connection still watches: %v", err)
	}

	// A counter that is read and written by many loses nothing.
	const clients, each = 8, 25
	var wg sync.WaitGroup
	for range clients {
		own := s.client(t, func(o *redis.Options) { o.Protocol = c.Options().Protocol })
		wg.Go(func() {
			for range each {
				for {
					err := own.Watch(ctx, func(tx *redis.Tx) error {
						n, err := tx.Get(ctx, "counter").Int()
						if err != nil && !errors.Is(err, redis.Nil) {
							return err
						}
						_, err = tx.TxPipelined(ctx, func(p redis.Pipeliner) error {
							p.Set(ctx, "counter", n+1, 0)
							return nil
						})
						return err
					}, "counter")
					if err == nil {
						break
					}
					if !errors.Is(err, redis.TxFailedErr) {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	wg.Wait()
	is(t, clients*each)(c.Get(ctx, "counter").Int())
}

// transactionScripts are commands of connections and their replies. A line is the name of the connection, the command,
// " -> ", and the reply as text writes it.
var transactionScripts = map[string]string{
	"queue": `
A MULTI -> +OK
A SET k 1 -> +QUEUED
B GET k -> nil
A PING -> +QUEUED
A EXEC -> [+OK +PONG]
A EXEC -> -ERR EXEC without MULTI
A DISCARD -> -ERR DISCARD without MULTI
A MULTI -> +OK
A MULTI -> -ERR MULTI calls can not be nested
A WATCH k -> -ERR WATCH inside MULTI is not allowed
A GET k -> +QUEUED
A EXEC -> [$1]
A MULTI -> +OK
A EXEC -> []`,
	"errors while queueing": `
A MULTI -> +OK
A SET k 1 -> +QUEUED
A SET k -> -ERR wrong number of arguments for 'set' command
A SET k 2 -> +QUEUED
A EXEC -> -EXECABORT Transaction discarded because of previous errors.
A GET k -> nil
A MULTI -> +OK
A nosuch -> -ERR unknown command 'nosuch', with args beginning with: 
A EXEC -> -EXECABORT Transaction discarded because of previous errors.
A MULTI -> +OK
A CLIENT nosuch -> -ERR unknown subcommand 'nosuch'. Try CLIENT HELP.
A DISCARD -> +OK
A MULTI -> +OK
A MULTI x -> -ERR wrong number of arguments for 'multi' command
A EXEC -> -EXECABORT Transaction discarded because of previous errors.
A MULTI -> +OK
A WATCH -> -ERR wrong number of arguments for 'watch' command
A EXEC -> -EXECABORT Transaction discarded because of previous errors.
A MULTI -> +OK
A SET k 1 -> +QUEUED
A EXEC x -> -EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
A GET k -> nil
A EXEC x -> -EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
A MULTI -> +OK
A SHUTDOWN -> -ERR Command not allowed inside a transaction
A EXEC -> -EXECABORT Transaction discarded because of previous errors.`,
	"watch": `
A WATCH k -> +OK
B SET k 1 -> +OK
A MULTI -> +OK
A SET k 2 -> +QUEUED
A EXEC -> nil
A MULTI -> +OK
A SET k 2 -> +QUEUED
A EXEC -> [+OK]
A WATCH k -> +OK
A SET k 3 -> +OK
A MULTI -> +OK
A EXEC -> nil
A WATCH k -> +OK
B SET k 1 -> +OK
A WATCH k -> +OK
A MULTI -> +OK
A EXEC -> nil
A WATCH k -> +OK
B SET k 1 -> +OK
A UNWATCH -> +OK
A MULTI -> +OK
A EXEC -> []
A WATCH k -> +OK
B SET k 1 -> +OK
A MULTI -> +OK
A DISCARD -> +OK
A MULTI -> +OK
A EXEC -> []
A WATCH k -> +OK
B SET k 1 -> +OK
A MULTI -> +OK
A UNWATCH -> +QUEUED
A EXEC -> nil
A WATCH k -> +OK
B SET k 1 -> +OK
A EXEC -> -ERR EXEC without MULTI
A MULTI -> +OK
A EXEC -> nil
A WATCH k -> +OK
B SET k 1 -> +OK
A EXEC x -> -EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command
A MULTI -> +OK
A EXEC -> []
A WATCH k -> +OK
B SET k 1 -> +OK
A RESET -> +RESET
A MULTI -> +OK
A EXEC -> []`,
	"watch and databases": `
A WATCH k -> +OK
A SELECT 9 -> +OK
B SELECT 9 -> +OK
B SET k 1 -> +OK
A MULTI -> +OK
A SET k 2 -> +QUEUED
A EXEC -> [+OK]
A WATCH k -> +OK
A SELECT 0 -> +OK
B SET k 3 -> +OK
A MULTI -> +OK
A SELECT 9 -> +QUEUED
A GET k -> +QUEUED
A EXEC -> nil
A GET k -> nil
A MULTI -> +OK
A SELECT 9 -> +QUEUED
A GET k -> +QUEUED
A SELECT 99 -> +QUEUED
A EXEC -> [+OK $3 -ERR DB index is out of range]
A GET k -> $3
A WATCH k -> +OK
B SWAPDB 0 9 -> +OK
A MULTI -> +OK
A EXEC -> nil`,
	"errors inside": `
A SET k x -> +OK
A MULTI -> +OK
A INCR k -> +QUEUED
A SET l 1 -> +QUEUED
A EXPIRE l x -> +QUEUED
A EXEC -> [-ERR value is not an integer or out of range +OK -ERR value is not an integer or out of range]
A GET l -> $1`,
	"the whole keyspace": `
A MSET a 1 b 2 -> +OK
A MULTI -> +OK
A SET c 3 -> +QUEUED
A DBSIZE -> +QUEUED
A KEYS c -> +QUEUED
A FLUSHALL -> +QUEUED
A RANDOMKEY -> +QUEUED
A SCAN 0 -> +QUEUED
A SWAPDB 0 1 -> +QUEUED
A SET d 4 -> +QUEUED
A SELECT 1 -> +QUEUED
A EXISTS d -> +QUEUED
A EXEC -> [+OK :3 [$c] +OK nil [$0 []] +OK +OK +OK :0]`,
	"parsed ahead": `
A MULTI; SET k 1; INCR k; EXEC; GET k -> +OK +QUEUED +QUEUED [+OK :2] $2
A MULTI; SET k; EXEC; MULTI; INCR k; STRLEN k; EXEC -> +OK -ERR wrong number of arguments for 'set' command -EXECABORT Transaction discarded because of previous errors. +OK +QUEUED +QUEUED [:3 :1]
A WATCH k; MULTI; INCR k; EXEC; WATCH k; INCR k; MULTI; GET k; EXEC -> +OK +OK +QUEUED [:4] +OK :5 +OK +QUEUED nil`,
	"subscriptions": `
A MULTI -> +OK
A SSUBSCRIBE s t -> +QUEUED
A SUNSUBSCRIBE s -> +QUEUED
A SPUBLISH s x -> +QUEUED
A EXEC -> [-ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client [$sunsubscribe $s :0] :0]
B PUBSUB SHARDCHANNELS -> []
A MULTI -> +OK
A SUBSCRIBE c -> +QUEUED
A PSUBSCRIBE c* -> +QUEUED
A PUBLISH d x -> +QUEUED
A EXEC -> [[$subscribe $c :1] [$psubscribe $c* :2] :0]
A RESET -> +RESET
B PUBSUB NUMSUB c -> [$c :0]`,
	"protocol": `
A MULTI -> +OK
A HELLO 3 -> +QUEUED
A GET nokey -> +QUEUED
A CONFIG GET save -> +QUEUED
A EXEC -> [%... nil %...]`,
	"client list": `
A MULTI -> +OK
A SET k 1 -> +QUEUED
B CLIENT LIST A flags multi multi-mem cmd -> x 1 29 set
A GET k -> +QUEUED
B CLIENT LIST A flags multi multi-mem cmd -> x 2 49 get
A DISCARD -> +OK
B CLIENT LIST A flags multi multi-mem cmd -> N -1 0 discard
A WATCH k -> +OK
B CLIENT LIST A flags multi multi-mem cmd -> N -1 0 watch
B SET k 1 -> +OK
B CLIENT LIST A flags multi cmd -> d -1 watch
A MULTI -> +OK
B CLIENT LIST A flags multi cmd -> xd 0 multi
A EXEC -> nil
B CLIENT LIST A flags multi cmd -> N -1 exec`,
	"out of memory": `
B SET something 1 -> +OK
A MULTI -> +OK
A SET k 1 -> +QUEUED
B CONFIG SET maxmemory 1 -> +OK
A EXEC -> -EXECABORT Transaction discarded because of: OOM command not allowed when used memory > 'maxmemory'.
A MULTI -> +OK
A GET k -> -OOM command not allowed when used memory > 'maxmemory'.
A EXEC -> -EXECABORT Transaction discarded because of previous errors.
B CONFIG SET maxmemory 0 -> +OK
A MULTI -> +OK
A GET k -> +QUEUED
B CONFIG SET maxmemory 1 -> +OK
A EXEC -> [nil]
B CONFIG SET maxmemory 0 -> +OK
A MULTI -> +OK
B CONFIG SET maxmemory 1 -> +OK
A DISCARD -> +OK
B CONFIG SET maxmemory 0 -> +OK`,
	"figures": `
B CONFIG RESETSTAT -> +OK
A MULTI -> +OK
A SET k 1 -> +QUEUED
A INCR k -> +QUEUED
A EXEC -> [+OK :2]
A MULTI -> +OK
A SET k -> -ERR wrong number of arguments for 'set' command
A EXEC -> -EXECABORT Transaction discarded because of previous errors.
B INFO cmdstat_set calls failed_calls -> 1 0
B INFO cmdstat_multi calls -> 2
B INFO cmdstat_exec calls failed_calls -> 2 1
B INFO errorstat_EXECABORT count -> 1`,
	"password": `
B CONFIG SET requirepass secret -> +OK
C MULTI -> -NOAUTH Authentication required.
C EXEC -> -EXECABORT Transaction discarded because of: NOAUTH Authentication required.
C AUTH secret -> +OK
C MULTI -> +OK
C GET k -> +QUEUED
C RESET -> +RESET
C EXEC -> -EXECABORT Transaction discarded because of: NOAUTH Authentication required.
B CONFIG SET requirepass "" -> +OK`,
}

// TestTransactionScripts runs the scripts against each kind of server.
func TestTransactionScripts(t *testing.T) {
	for _, k := range kinds(t) {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			for name, script := range transactionScripts {
				t.Run(name, func(t *testing.T) {
					conns := map[string]*wire{}
					for line := range strings.Lines(strings.TrimSpace(script)) {
						cmd, want, _ := strings.Cut(strings.TrimRight(line, "\n"), " -> ")
						who, cmd, _ := strings.Cut(cmd, " ")
						if conns[who] == nil {
							conns[who] = s.wire(t)
							if who != "C" {
								conns[who].ask("CLIENT SETNAME " + who)
							}
						}
						if got := conns[who].perform(cmd); got != want {
							t.Fatalf("%s %s\n got  %s\n want %s", who, cmd, got, want)
						}
					}
					s.client(t).FlushAll(t.Context())
				})
			}
		})
	}
}

// TestTransactionOfLostClient: a connection that goes away takes its marks and its queue with it.
func TestTransactionOfLostClient(t *testing.T) {
	for _, k := range ours {
		t.Run(k.name, func(t *testing.T) {
			s := k.launch(t)
			for i := range 50 {
				w := s.wire(t)
				w.perform("WATCH a b c; MULTI; SET a 1; EXEC x; WATCH a b c; MULTI; INCR a")
				if i%2 == 0 {
					w.send("*1\r\n$4\r\nQUIT\r\n")
				}
				w.Close()
			}
			w := s.wire(t)
			if got := w.perform("WATCH a; MULTI; INCR a; INCR b; EXEC"); got != "+OK +OK +QUEUED +QUEUED [:1 :1]" {
				t.Error(got)
			}
		})
	}
}

// ask sends commands, separated by ";", at once.
func (w *wire) ask(cmds string) []resp.Value {
	w.t.Helper()
	var b []byte
	n := 0
	for cmd := range strings.SplitSeq(cmds, ";") {
		args, ok := resp.SplitArgs([]byte(strings.TrimSpace(cmd)), nil)
		if !ok {
			w.t.Fatalf("bad quotes in %s", cmd)
		}
		b = resp.AppendCommand(b, args...)
		n++
	}
	w.send(string(b))
	list := make([]resp.Value, n)
	for i := range list {
		list[i] = w.reply()
	}
	return list
}

// perform is ask, with the replies as text. CLIENT LIST and INFO are for fields of one line: the name of the
// connection or of the line, then the fields.
func (w *wire) perform(cmds string) string {
	w.t.Helper()
	words := strings.Fields(cmds)
	switch {
	case strings.HasPrefix(cmds, "CLIENT LIST "):
		list := string(w.ask("CLIENT LIST")[0].Str)
		return fields(list, " name="+words[2]+" ", " ", "=", words[3:])
	case words[0] == "INFO":
		list := string(w.ask("INFO all")[0].Str)
		return fields(strings.ReplaceAll(list, ":", ":,"), words[1]+":", ",", "=", words[2:])
	}
	texts := make([]string, 0, 8)
	for _, v := range w.ask(cmds) {
		texts = append(texts, replyText(v))
	}
	return strings.Join(texts, " ")
}

// fields returns values of the line with a mark.
func fields(list, mark, sep, is string, names []string) string {
	var values []string
	for line := range strings.Lines(list) {
		if !strings.Contains(line, mark) {
			continue
		}
		for _, name := range names {
			for part := range strings.SplitSeq(strings.TrimSpace(line), sep) {
				if key, value, _ := strings.Cut(part, is); key == name {
					values = append(values, value)
				}
			}
		}
	}
	return strings.Join(values, " ")
}

// replyText writes a reply: +status, -error, :integer, $bulk, nil, [array], %... for a map. Numbers above 5 that are
// no results of the scripts are N.
func replyText(v resp.Value) string {
	switch v.Kind {
	case resp.KindStatus, resp.KindError, resp.KindBulk:
		return string(rune(v.Kind)) + string(v.Str)
	case resp.KindInt:
		if v.Int > 5 {
			return ":N"
		}
		return ":" + strconv.FormatInt(v.Int, 10)
	case resp.KindNull:
		return "nil"
	case resp.KindArray:
		texts := make([]string, len(v.Elems))
		for i, e := range v.Elems {
			texts[i] = replyText(e)
		}
		return "[" + strings.Join(texts, " ") + "]"
	case resp.KindMap:
		return "%..."
	default:
		return fmt.Sprintf("%c%s", v.Kind, v.Str)
	}
}
