package commands_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/resp"
)

var rewrite = flag.Bool("rewrite", false, "write into the scripts what redis-server replies, and into blocks marked @ours what we reply")

// A script is a text of blocks:
//
//	# a comment
//	@sort
//	SET k v
//	GET k
//	----
//	+OK
//	"v"
//
// that is commands in redis-cli's quoting, a line, their replies as show writes them, an
// empty line. Lines that begin with @ are about the block:
//
//	@sort  the order of arrays in the replies does not count
//	@ours  the block is not run against redis-server; the reason stands behind it
type block struct {
	head    []string // comments and directives
	cmds    []string
	replies []string
	line    int
}

func (b *block) has(directive string) bool {
	for _, h := range b.head {
		if word, _, _ := strings.Cut(h, " "); word == directive {
			return true
		}
	}
	return false
}

// run runs the commands of the block.
func (b *block) run(t *testing.T, s server) []string {
	replies := make([]string, 0, len(b.cmds))
	for _, cmd := range b.cmds {
		args, ok := resp.SplitArgs([]byte(cmd), nil)
		if !ok || len(args) == 0 {
			t.Fatalf("line %d: bad quotes in %s", b.line, cmd)
		}
		strs := make([]string, len(args))
		for i, a := range args {
			strs[i] = string(a)
		}
		text := show
		if b.has("@sort") {
			text = showSorted
		}
		replies = append(replies, text(s.do(strs...)))
	}
	return replies
}

// parseScript reads the blocks of a script.
func parseScript(t *testing.T, text []byte) []block {
	t.Helper()
	var blocks []block
	var b block
	inReplies := false
	for i, line := range strings.Split(string(text)+"\n", "\n") {
		switch {
		case line == "" && (inReplies || len(b.cmds) == 0 && len(b.head) > 0):
			blocks = append(blocks, b)
			b, inReplies = block{}, false
		case line == "":
		case inReplies:
			b.replies = append(b.replies, line)
		case line == "----":
			inReplies = true
		case line[0] == '#' || line[0] == '@':
			b.head = append(b.head, line)
		default:
			if len(b.cmds) == 0 {
				b.line = i + 1
			}
			b.cmds = append(b.cmds, line)
		}
	}
	if len(b.cmds) > 0 {
		t.Fatalf("the block of line %d has no replies", b.line)
	}
	return blocks
}

func formatScript(blocks []block) []byte {
	var out bytes.Buffer
	for i, b := range blocks {
		if i > 0 {
			out.WriteByte('\n')
		}
		for _, l := range append(b.head, b.cmds...) {
			fmt.Fprintln(&out, l)
		}
		if len(b.cmds) > 0 {
			fmt.Fprintln(&out, "----")
		}
		for _, l := range b.replies {
			fmt.Fprintln(&out, l)
		}
	}
	return out.Bytes()
}

// eachScript runs f for every script.
func eachScript(t *testing.T, f func(t *testing.T, path string, blocks []block)) {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			f(t, path, parseScript(t, text))
		})
	}
}

// TestScripts runs every script against the commands in process.
func TestScripts(t *testing.T) {
	eachScript(t, func(t *testing.T, path string, blocks []block) {
		s := newLocal(t, nil)
		for i := range blocks {
			b := &blocks[i]
			b.check(t, b.run(t, s), *rewrite && b.has("@ours"))
		}
		save(t, path, blocks)
	})
}

// TestScriptsOnRedis runs every script against redis-server: it proves that the replies in
// the scripts are Redis'. Under -rewrite it takes them from there.
func TestScriptsOnRedis(t *testing.T) {
	s := newRemote(t)
	eachScript(t, func(t *testing.T, path string, blocks []block) {
		s.t = t
		for _, cmd := range []string{"FLUSHALL", "SELECT 0", "HELLO 2"} {
			s.do(strings.Fields(cmd)...)
		}
		for i := range blocks {
			if b := &blocks[i]; !b.has("@ours") {
				b.check(t, b.run(t, s), *rewrite)
			}
		}
		save(t, path, blocks)
	})
}

// check compares the block's replies with those that a server gave, or takes them over.
func (b *block) check(t *testing.T, got []string, take bool) {
	t.Helper()
	if take {
		b.replies = got
		return
	}
	for i, g := range got {
		want := "(nothing)"
		if i < len(b.replies) {
			want = b.replies[i]
		}
		if g != want {
			t.Errorf("line %d: %s\n  answers %s\n  should be %s", b.line+i, b.cmds[i], g, want)
		}
	}
	if len(b.replies) > len(got) {
		t.Errorf("line %d: %d commands, %d replies", b.line, len(got), len(b.replies))
	}
}

// save writes a script back under -rewrite.
func save(t *testing.T, path string, blocks []block) {
	t.Helper()
	if !*rewrite {
		return
	}
	if err := os.WriteFile(path, formatScript(blocks), 0o644); err != nil {
		t.Fatal(err)
	}
}
