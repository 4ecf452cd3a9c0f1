package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// walCommand runs "reredis wal" in this process.
func walCommand(args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = run(append([]string{"wal"}, args...), nil, stdio{out: &o, err: &e})
	return code, o.String(), e.String()
}

// TestWalTools looks at the data of a server while it runs and after it was killed, damages it, and cuts off the damage.
func TestWalTools(t *testing.T) {
	dir, port := t.TempDir(), freePort(t)
	s := durable(t, dir, port, "loops")
	w := s.wire(t)
	for _, line := range []string{"SET a one", "MULTI", "SET b 2", "INCR b", "EXEC", "SET long " + strings.Repeat("x", 100), "FLUSHALL", "SET last 1", "SET later 2"} {
		w.send(line + "\r\n")
		w.reply()
	}
	code, out, errs := walCommand("verify", "--dir", dir)
	if code != 0 || !strings.Contains(out, "in use           pid ") {
		t.Fatalf("status %d\n%s%s", code, out, errs)
	}
	s.kill9()

	code, out, errs = walCommand("inspect", "--dir", dir, "--from", "1", "--width", "10")
	for _, want := range []string{
		`(?m)^1 \S+Z db 0 slot 15495 "SET" "a" "one"$`,
		`(?m)^2 .* "SET" "b" "2" \+$`,
		`(?m)^3 .* "SET" "b" "3".*[^+]$`,
		`(?m)^4 .* "SET" "long" "xxxxxxxxxx"\.\.\.\(100 bytes\)$`,
		`(?m)^5 .* slot - "FLUSHALL"$`,
		`(?m)^log +LSN 1 to 7, epoch 0$`,
		`(?m)^closed +no`,
		`(?m)^segment +wal/0000000000000001.seg: id 1, LSN 1 to 7, `,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("%s is missing", want)
		}
	}
	if code != 0 || errs != "" || t.Failed() {
		t.Fatalf("status %d\n%s%s", code, out, errs)
	}
	if _, out, _ = walCommand("inspect", "--dir", dir, "--from", "2", "--to", "3"); strings.Count(out, " slot ") != 2 {
		t.Errorf("LSN 2 to 3:\n%s", out)
	}
	if code, out, errs = walCommand("verify", "--dir", dir); code != 0 || !strings.Contains(out, "good             7 entries") {
		t.Fatalf("status %d\n%s%s", code, out, errs)
	}

	file := filepath.Join(dir, "wal", "0000000000000001.seg")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("last"))
	b[at] ^= 1
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs = walCommand("verify", "--dir", dir)
	way := regexp.MustCompile(`LSN 6 to 7: the checksum is wrong\..*reredis wal repair (--cut-at \d+)`).FindStringSubmatch(errs)
	if code != 1 || way == nil {
		t.Fatalf("status %d\n%s", code, errs)
	}
	code, out, errs = walCommand(append([]string{"repair", "--dir", dir}, strings.Fields(way[1])...)...)
	if code != 0 || !strings.Contains(out, "the log ends with LSN 5 now") || !strings.Contains(out, ".torn") {
		t.Fatalf("status %d\n%s%s", code, out, errs)
	}
	if code, out, errs = walCommand("verify", "--dir", dir); code != 0 {
		t.Fatalf("status %d\n%s%s", code, out, errs)
	}
	s = durable(t, dir, port, "loops")
	is(t, int64(0))(s.client(t).DBSize(t.Context()).Result())
	if code, _, errs = walCommand("repair", "--dir", dir, "--cut-at", "3"); code != 1 || !strings.Contains(errs, "is locked by another process (pid ") {
		t.Errorf("while the server runs: status %d\n%s", code, errs)
	}
}

// TestWalFollow shows entries of before and those that come.
func TestWalFollow(t *testing.T) {
	dir := t.TempDir()
	s := durable(t, dir, freePort(t), "loops")
	c := s.client(t)
	is(t, "OK")(c.Set(t.Context(), "before", 1, 0).Result())
	type result struct {
		code      int
		out, errs string
	}
	got := make(chan result, 1)
	go func() {
		code, out, errs := walCommand("inspect", "--dir", dir, "--follow", "--from", "1", "--to", "2")
		got <- result{code, out, errs}
	}()
	is(t, "OK")(c.Set(t.Context(), "after", 2, 0).Result())
	is(t, "OK")(c.Set(t.Context(), "too many", 3, 0).Result())
	r := <-got
	want := regexp.MustCompile(`(?im)^1 .* "SET" "before" "1"\n2 .* "SET" "after" "2"\n\z`)
	if r.code != 0 || !want.MatchString(r.out) {
		t.Errorf("status %d\n%s%s", r.code, r.out, r.errs)
	}
	s.kill9()
	if code, _, errs := walCommand("inspect", "--dir", dir, "--follow"); code != 1 || !strings.Contains(errs, "no server runs") {
		t.Errorf("without a server: status %d\n%s", code, errs)
	}
}

func TestWalToolsUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, 2, "Usage: reredis wal"},
		{[]string{"frobnicate"}, 2, `unknown command "frobnicate"`},
		{[]string{"repair"}, 2, "--cut-at LSN is missing"},
		{[]string{"inspect", "--cut-at", "1"}, 2, "not defined: -cut-at"},
		{[]string{"verify", "x"}, 2, `what is "x"?`},
		{[]string{"--help"}, 0, "Usage: reredis wal"},
		{[]string{"verify", "--help"}, 0, "Usage: reredis wal"},
		{[]string{"verify", "--dir", t.TempDir()}, 1, "MANIFEST"},
	} {
		code, out, errs := walCommand(c.args...)
		if code != c.code || !strings.Contains(out+errs, c.want) {
			t.Errorf("%v: status %d\n%s", c.args, code, fmt.Sprint(out, errs))
		}
	}
}
