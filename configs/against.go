package configs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// against compares with a running server: what a reload would change there, and what waits for a restart. The
// password is taken from REDISCLI_AUTH, as redis-cli does.
func (s *Store) against(addr string, env []string, stdout, stderr io.Writer) int {
	addr, err := withPort(addr)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	running, kept, err := askConfig(addr, env)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", addr, err)
		return exitUsage
	}
	var later, never, held []string
	diffs := s.diffs(running)
	for _, d := range diffs {
		values := fmt.Sprintf("%q there, %q here", d.Old, d.New)
		if d.Old == redacted {
			values = "another secret there than here"
		}
		when := "changes with a reload"
		switch set := theTable().byPath[d.Path].Set; {
		case set == Fixed:
			when = "is fixed with the data: the server would not start"
			never = append(never, d.Path)
		case kept[d.Path]:
			when = "stays, since CONFIG SET has made it so"
			held = append(held, d.Path)
		case set == Restart:
			when = "needs a restart"
			later = append(later, d.Path)
		case set == New:
			when = "changes with a reload, for what is made from then on"
		}
		fmt.Fprintf(stdout, "%s: %s; %s\n", d.Path, values, when)
	}
	if len(held) > 0 {
		fmt.Fprintln(stdout, "CONFIG UNSET gives way to the configuration:", strings.Join(held, ", "))
	}
	switch {
	case len(never) > 0:
		fmt.Fprintln(stdout, addr, "can not take this configuration with its data:", strings.Join(never, ", "))
		return exitProblem
	case len(later) > 0:
		fmt.Fprintln(stdout, addr, "needs a restart for", strings.Join(later, ", "))
	case len(diffs) == 0:
		fmt.Fprintln(stdout, addr, "runs with the same values")
	case len(held) == len(diffs):
		fmt.Fprintln(stdout, "a reload of", addr, "changes nothing")
	default:
		fmt.Fprintln(stdout, "a reload of", addr, "is enough")
	}
	return exitGood
}

// diffs are the rows that have another value in a running server; what that does not know is left out.
func (s *Store) diffs(running map[string]string) []Diff {
	var out []Diff
	c := s.Current()
	for _, p := range theTable().leaves() {
		was, known := running[p.Path]
		if !known || was == p.text(c) || p.Path == "server.dir" && s.sameDir(was, running["server.port"]) {
			continue
		}
		d := Diff{p.Path, was, p.text(c)}
		if p.Flags.Has(Secret) {
			d.Old, d.New = redacted, redacted
		}
		out = append(out, d)
	}
	return out
}

// sameDir reports whether neither side says where the data lies, so that it depends on the directory each was started
// in.
func (s *Store) sameDir(running, port string) bool {
	unset := func(dir, port string) bool {
		return strings.HasSuffix(dir, string(filepath.Separator)+defaultDir(port))
	}
	return s.Origin("server.dir").IsDefault() && unset(running, port) && unset(s.Current().Server.Dir, port)
}

// withPort adds what is left out of HOST:PORT.
func withPort(addr string) (string, error) {
	if _, _, err := net.SplitHostPort(addr); err == nil {
		return addr, nil
	}
	if _, err := strconv.ParseUint(addr, 10, 16); err == nil {
		return net.JoinHostPort("127.0.0.1", addr), nil
	}
	host := strings.Trim(addr, "[]")
	if host == "" || strings.ContainsAny(host, " /") {
		return "", fmt.Errorf("%q: write HOST:PORT", addr)
	}
	return net.JoinHostPort(host, "6379"), nil
}

const askPatience = 5 * time.Second

// askConfig is CONFIG GET of all paths, and those that CONFIG SET has changed.
func askConfig(addr string, env []string) (values map[string]string, kept map[string]bool, err error) {
	nc, err := net.DialTimeout("tcp", addr, askPatience)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = nc.Close() }() // only read
	if err := nc.SetDeadline(time.Now().Add(askPatience)); err != nil {
		return nil, nil, err
	}
	r := bufio.NewReader(nc)
	for _, kv := range env {
		if password, ok := strings.CutPrefix(kv, "REDISCLI_AUTH="); ok && password != "" {
			if _, err := ask(nc, r, "AUTH", password); err != nil {
				return nil, nil, err
			}
		}
	}
	list, err := ask(nc, r, "CONFIG", "GET", "*.*")
	switch {
	case err != nil && strings.HasPrefix(err.Error(), "NOAUTH"):
		return nil, nil, fmt.Errorf("%w Put the password into REDISCLI_AUTH", err)
	case err != nil:
		return nil, nil, err
	case len(list) == 0:
		return nil, nil, errReply // redis-server has no such parameters
	}
	values = map[string]string{}
	for pair := range slices.Chunk(list, 2) {
		values[pair[0]] = pair[len(pair)-1]
	}
	if list, err = ask(nc, r, "CONFIG", "ORIGIN", "*.*"); err != nil {
		return nil, nil, err
	}
	kept = map[string]bool{}
	for one := range slices.Chunk(list, 8) { // parameter, value, origin, after_restart, each with its name
		if len(one) == 8 && strings.HasPrefix(one[5], setByCommand) {
			kept[one[1]] = true
		}
	}
	return values, kept, nil
}

var errReply = errors.New("this is no Reredis server")

// ask sends a command and reads a reply, of which it returns the strings, however they are nested.
func ask(w io.Writer, r *bufio.Reader, args ...string) ([]string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return nil, err
	}
	list, err := readStrings(r, nil, 0)
	if errors.Is(err, io.EOF) {
		return nil, errors.New("it closed the connection")
	}
	return list, err
}

// readStrings adds the strings of a reply to list: of a line, a bulk string (nil is ""), or an array of such.
func readStrings(r *bufio.Reader, list []string, depth int) ([]string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimRight(line, "\r\n")
	kind, rest := line[:min(1, len(line))], line[min(1, len(line)):]
	switch kind {
	case "-":
		return nil, errors.New(rest)
	case "+":
		return append(list, rest), nil
	}
	n, err := strconv.Atoi(rest)
	switch {
	case err != nil || depth > 2:
		return nil, errReply
	case kind == "$" && n == -1:
		return append(list, ""), nil
	case kind == "$" && n >= 0 && n <= maxFile:
		b := make([]byte, n+2)
		_, err := io.ReadFull(r, b)
		return append(list, string(b[:n])), err
	case kind == "*" && n >= 0 && n <= 1<<16:
		for range n {
			if list, err = readStrings(r, list, depth+1); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return nil, errReply
}
