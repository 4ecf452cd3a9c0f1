package configs

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// against compares with a running server: what a reload would change there, and what waits for a restart. The
// password is taken from REDISCLI_AUTH, as redis-cli does.
func (s *Store) against(addr string, env []string, stdout, stderr io.Writer) int {
	running, err := askConfig(addr, env)
	if err != nil {
		fmt.Fprintf(stderr, "%s: %v\n", addr, err)
		return exitUsage
	}
	t := theTable()
	c := s.Current()
	same := true
	for i := range t.rows {
		p := &t.rows[i]
		was, known := running[p.Path]
		if p.Flags.Has(Composite) || !known || was == p.text(c) {
			continue
		}
		same = false
		d := Diff{p.Path, was, p.text(c)}
		if p.Flags.Has(Secret) {
			d.Old, d.New = redacted, redacted
		}
		when := "changes with a reload"
		switch p.Set {
		case Restart:
			when = "needs a restart"
		case Fixed:
			when = "is fixed with the data: the server would not start"
		}
		fmt.Fprintf(stdout, "%s: %q there, %q here; %s\n", d.Path, d.Old, d.New, when)
	}
	if same {
		fmt.Fprintln(stdout, "the server runs with the same values")
	}
	return exitGood
}

const askPatience = 5 * time.Second

// askConfig is CONFIG GET of all paths.
func askConfig(addr string, env []string) (map[string]string, error) {
	nc, err := net.DialTimeout("tcp", addr, askPatience)
	if err != nil {
		return nil, err
	}
	defer func() { _ = nc.Close() }() // only read
	if err := nc.SetDeadline(time.Now().Add(askPatience)); err != nil {
		return nil, err
	}
	r := bufio.NewReader(nc)
	for _, kv := range env {
		if password, ok := strings.CutPrefix(kv, "REDISCLI_AUTH="); ok && password != "" {
			if _, err := ask(nc, r, "AUTH", password); err != nil {
				return nil, err
			}
		}
	}
	list, err := ask(nc, r, "CONFIG", "GET", "*.*")
	if err != nil {
		return nil, err
	}
	m := map[string]string{}
	for i := 0; i+1 < len(list); i += 2 {
		m[list[i]] = list[i+1]
	}
	return m, nil
}

var errReply = errors.New("this is no reply of Reredis")

// ask sends a command and reads a reply that is one line or a list of strings.
func ask(w io.Writer, r *bufio.Reader, args ...string) ([]string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return nil, err
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return nil, err
	}
	switch line = strings.TrimRight(line, "\r\n"); {
	case strings.HasPrefix(line, "-"):
		return nil, errors.New(line[1:])
	case strings.HasPrefix(line, "+"):
		return []string{line[1:]}, nil
	case !strings.HasPrefix(line, "*"):
		return nil, errReply
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil || n < 0 || n > 1<<16 {
		return nil, errReply
	}
	list := make([]string, n)
	for i := range list {
		if list[i], err = readBulk(r); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func readBulk(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	n, err := strconv.Atoi(strings.TrimRight(strings.TrimPrefix(line, "$"), "\r\n"))
	if err != nil || n < 0 || n > maxFile {
		return "", errReply
	}
	b := make([]byte, n+2)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", err
	}
	return string(b[:n]), nil
}
