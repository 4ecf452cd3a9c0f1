package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/reredis/reredis/internal/resp"
)

// The differential test gives random commands to Reredis and to redis-server and compares the replies byte
// for byte: `make differ` for long.
var (
	differFor  = flag.Duration("differ", 0, "how long TestDiffer looks for differences, 0: a fixed number of commands")
	differSeed = flag.Uint64("differ.seed", 1, "the first seed of TestDiffer")
)

const (
	differBatch   = 40 // commands in a pipeline
	differBatches = 30 // in a sequence, which begins with empty servers
	differShort   = 40 // sequences of the short test
	differClients = 3
)

// TestDiffer is the test.
func TestDiffer(t *testing.T) {
	theirs := kinds(t)[0]
	if theirs.name != "redis-server" {
		t.Skip("no redis-server 7.0 to compare with")
	}
	for i, k := range ours {
		t.Run(k.name, func(t *testing.T) {
			d := newDiffer(t, k, theirs)
			start := time.Now()
			sequences := differShort / len(ours)
			for n := 0; *differFor == 0 && n < sequences || time.Since(start) < *differFor/time.Duration(len(ours)); n++ {
				d.sequence(*differSeed + uint64(n*len(ours)+i))
				if len(d.found) > 20 {
					t.Fatal("too many differences")
				}
			}
			t.Logf("%d commands, %d differences", d.commands, len(d.found))
		})
	}
}

// TestDifferKnowsAll: every command is in a template, or listed with the reason why not.
func TestDifferKnowsAll(t *testing.T) {
	in := map[string]bool{}
	for _, line := range differTemplates {
		words := strings.Fields(strings.ToLower(line))
		for name := range strings.SplitSeq(words[0], "|") {
			in[name] = true
			if len(words) > 1 {
				for sub := range strings.SplitSeq(words[1], "|") {
					in[name+"|"+sub] = true
				}
			}
		}
	}
	names, err := ours[0].launch(t).client(t).Do(t.Context(), "COMMAND", "LIST").StringSlice()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if in[name] == (differUnused[name] != "") {
			t.Errorf("%s: in a template %v, listed as unused %v", name, in[name], differUnused[name] != "")
		}
	}
}

// differ is two servers and some clients of each.
type differ struct {
	t        *testing.T
	clients  []*differClient
	commands int
	found    map[string]bool // differences reported, by command and replies
}

// differClient is a client of both servers.
type differClient struct {
	ours, theirs *wire
	queued       [][]string // in MULTI
	recent       []string
}

// differSettings make the servers comparable: limits that a test can reach, nothing that depends on time.
var differSettings = []string{"--proto-max-bulk-len", "1mb", "--slowlog-log-slower-than", "-1", "--save", "", "--appendonly", "no", "--enable-debug-command", "yes"}

func newDiffer(t *testing.T, ours, theirs kind) *differ {
	a, b := ours.launch(t, differSettings...), theirs.launch(t, differSettings...)
	d := &differ{t: t, found: map[string]bool{}}
	for range differClients {
		c := &differClient{ours: a.wire(t), theirs: b.wire(t)}
		for _, w := range []*wire{c.ours, c.theirs} {
			if err := w.SetDeadline(time.Now().Add(*differFor + 10*patience)); err != nil {
				t.Fatal(err)
			}
		}
		d.clients = append(d.clients, c)
	}
	return d
}

// sequence begins with empty servers and gives each client pipelines in turn. It ends at the first difference.
func (d *differ) sequence(seed uint64) {
	r := rand.New(rand.NewPCG(seed, 7))
	for _, c := range d.clients {
		c.recent = nil
		d.batch(c, seed, [][]string{{"RESET"}, {"FLUSHALL"}, {"CONFIG", "SET", "proto-max-bulk-len", "1mb"}, {"HELLO", strconv.Itoa(2 + r.IntN(2))}})
	}
	for range differBatches {
		c := d.clients[r.IntN(len(d.clients))]
		batch := make([][]string, 1+r.IntN(differBatch))
		for i := range batch {
			batch[i] = makeCommand(r, differTemplates[r.IntN(len(differTemplates))])
		}
		if !d.batch(c, seed, batch) {
			return
		}
	}
	for _, c := range d.clients {
		d.state(c, seed)
	}
}

// state compares all data.
func (d *differ) state(c *differClient, seed uint64) {
	d.batch(c, seed, [][]string{{"RESET"}, {"DEBUG", "DIGEST"}})
	for db := range 16 {
		d.batch(c, seed, [][]string{{"SELECT", strconv.Itoa(db)}, {"DBSIZE"}, {"KEYS", "*"}})
		for _, key := range differWords["key"] {
			d.batch(c, seed, [][]string{{"GET", key}, {"TYPE", key}, {"OBJECT", "ENCODING", key}, {"PEXPIRETIME", key}})
		}
	}
}

// batch gives both servers the same pipeline and compares the replies.
func (d *differ) batch(c *differClient, seed uint64, batch [][]string) (same bool) {
	var in []byte
	for _, args := range batch {
		in = resp.AppendCommand(in, args...)
	}
	d.commands += len(batch)
	c.ours.send(string(in))
	c.theirs.send(string(in))
	same = true
	for _, args := range batch {
		c.recent = append(c.recent[max(0, len(c.recent)-7):], fmt.Sprintf("%q", args))
		a, b := c.read(d.t, "Reredis", c.ours), c.read(d.t, "Redis", c.theirs)
		queued := c.queued
		c.follow(args, b)
		if bytes.Equal(a, b) || alike(args, queued, a, b) {
			continue
		}
		same = false
		what := fmt.Sprintf("%.40q %.30q %.30q", args[0], a, b)
		if !d.found[what] {
			d.found[what] = true
			d.t.Errorf("seed %d:\n  %s\n  answers %.400q\n  Redis   %.400q", seed, strings.Join(c.recent, "\n  "), a, b)
		}
	}
	return same
}

// follow notes which commands EXEC will answer.
func (c *differClient) follow(args []string, reply []byte) {
	switch {
	case string(reply) == "+QUEUED\r\n":
		c.queued = append(slices.Clip(c.queued), args)
	case slices.Contains([]string{"exec", "discard", "reset"}, strings.ToLower(args[0])) && reply[0] != '-' || bytes.HasPrefix(reply, []byte("-EXECABORT")):
		c.queued = nil
	}
}

// differAllowed are the differences that are none, by command: what stays of a reply to be compared. Each has its reason.
var differAllowed = []struct {
	words string // the command's first words
	why   string
	keep  func(v resp.Value) string
}{
	{"keys", "there is no order", sortedReply},
	{"scan 0 count 100000", "there is no order", func(v resp.Value) string { return string(v.Elems[0].Str) + sortedReply(v.Elems[1]) }},
	{"scan", "cursors are the server's own", func(v resp.Value) string { return fmt.Sprint(len(v.Elems)) }},
	{"lolwut", "the picture is our own", lastLine},
	{"client list", "figures", func(v resp.Value) string { return string(rune(v.Kind)) }},
	{"randomkey", "any key", func(v resp.Value) string { return string(rune(v.Kind)) }},
	{"ttl", "the clock; EXPIRETIME is compared", positive},
	{"pttl", "the clock", positive},
	{"expiretime", "the clock", nearTime},
	{"pexpiretime", "the clock", nearTime},
	{"object idletime", "the clock; small numbers are shared in Redis", func(v resp.Value) string { return string(rune(v.Kind)) }},
	{"object refcount", "Redis shares small numbers, but not those that COPY or INCR made", func(v resp.Value) string { return string(rune(v.Kind)) }},
	{"object freq", "by lot", nearTime},
	{"client id", "the server's own", nearTime},
	{"memory usage", "memory is laid out differently", nearTime},
	{"hello", "version and number of the client differ", func(v resp.Value) string { return fmt.Sprint(string(rune(v.Kind)), len(v.Elems), v.IsError()) }},
	{"pubsub channels", "there is no order", sortedReply},
	{"memory doctor", "memory is laid out differently", func(v resp.Value) string { return string(rune(v.Kind)) }},
	{"lastsave", "the clock", nearTime},
	{"debug object", "it has no address and no references to count", func(v resp.Value) string {
		_, after, _ := strings.Cut(string(v.Str), " encoding:")
		return after[:strings.Index(after, "lru:")]
	}},
	{"debug help", "the subcommands are others", firstLine},
	{"client help", "there are newer subcommands", firstLine},
	{"config help", "there are newer subcommands", firstLine},
	{"info", "figures", func(v resp.Value) string { return string(rune(v.Kind)) }},
}

// alike reports whether replies that differ may do so.
func alike(args []string, queued [][]string, a, b []byte) bool {
	va, err := resp.ReadReply(bufio.NewReader(bytes.NewReader(a)))
	vb, err2 := resp.ReadReply(bufio.NewReader(bytes.NewReader(b)))
	if err != nil || err2 != nil || va.Kind != vb.Kind {
		return false
	}
	if !strings.EqualFold(args[0], "exec") {
		return kept(args, va) == kept(args, vb)
	}
	if len(va.Elems) != len(vb.Elems) || len(va.Elems) != len(queued) {
		return false
	}
	for i := range va.Elems {
		if kept(queued[i], va.Elems[i]) != kept(queued[i], vb.Elems[i]) {
			return false
		}
	}
	return true
}

// kept is what has to be the same of the reply to a command.
func kept(args []string, v resp.Value) string {
	if !v.IsError() {
		line := strings.ToLower(strings.Join(args, " "))
		for _, a := range differAllowed {
			if line == a.words || strings.HasPrefix(line, a.words+" ") {
				return a.keep(v)
			}
		}
	}
	return string(v.AppendTo(nil))
}

// nearTime keeps what lies far from now, and what is no time.
func nearTime(v resp.Value) string {
	const year = 365 * 24 * 3600
	soon := time.Now().Unix() + year
	if v.Kind == resp.KindInt && v.Int > 0 && (v.Int < soon || v.Int > 1000*(soon-2*year) && v.Int < 1000*soon) {
		return "a number"
	}
	return string(v.AppendTo(nil))
}

func positive(v resp.Value) string {
	if v.Int > 0 {
		return "positive"
	}
	return string(v.AppendTo(nil))
}

func sortedReply(v resp.Value) string {
	var list []string
	for _, e := range v.Elems {
		list = append(list, string(e.Str))
	}
	sort.Strings(list)
	return fmt.Sprintf("%q", list)
}

func firstLine(v resp.Value) string { return string(v.Elems[0].Str) }

func lastLine(v resp.Value) string {
	lines := strings.Split(strings.TrimSpace(string(v.Str)), "\n")
	return lines[len(lines)-1]
}

// read reads one reply as it came.
func (c *differClient) read(t *testing.T, who string, w *wire) []byte {
	t.Helper()
	b, err := appendRaw(w.r, nil)
	if err != nil {
		t.Fatalf("%s ends with %q, %v, at\n  %s", who, b, err, strings.Join(c.recent, "\n  "))
	}
	return b
}

func appendRaw(r *bufio.Reader, b []byte) ([]byte, error) {
	line, err := r.ReadBytes('\n')
	b = append(b, line...)
	if err != nil {
		return b, err
	}
	n, _ := strconv.Atoi(strings.TrimSpace(string(line[1:])))
	switch line[0] {
	case '$', '=', '!':
		if n < 0 {
			return b, nil
		}
		text := make([]byte, n+2)
		_, err = io.ReadFull(r, text)
		return append(b, text...), err
	case '%', '|':
		n *= 2
	case '*', '~', '>':
	default:
		return b, nil
	}
	if line[0] == '|' {
		n++ // what the attributes are of
	}
	for range n {
		if b, err = appendRaw(r, b); err != nil {
			break
		}
	}
	return b, err
}
