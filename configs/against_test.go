package configs

import (
	"bytes"
	"net"
	"strings"
	"testing"
)

// answering is the address of a server that reads one command at a time and answers what it is told to.
func answering(t *testing.T, replies ...string) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	mustDo(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		b := make([]byte, 4096)
		for _, r := range replies {
			if _, err := c.Read(b); err != nil {
				return
			}
			if _, err := c.Write([]byte(r)); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() {
		ln.Close()
		<-done
	})
	return ln.Addr().String()
}

func bulks(words ...string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString("$" + numeral(len(w)) + "\r\n" + w + "\r\n")
	}
	return "*" + numeral(len(words)) + "\r\n" + b.String()
}

// origin is one element of CONFIG ORIGIN's reply to a pattern.
func origin(path, from string) string {
	return strings.Replace(bulks("parameter", path, "value", "x", "origin", from, "after_restart"), "*7", "*8", 1) + "$-1\r\n"
}

func numeral(n int) string { return integer[int](0, 1<<30).toText(n) }

// TestAgainst: what a running server would do with a configuration, and servers that are none of ours.
func TestAgainst(t *testing.T) {
	here(t)
	for name, c := range map[string]struct {
		replies   []string
		env       []string
		status    int
		out, want string
	}{
		"same": {[]string{bulks("server.port", "7001", "nobody.knows", "x"), "*0\r\n"}, nil, exitGood, "ADDR runs with the same values\n", ""},
		"differs": {
			[]string{"+OK\r\n", bulks("server.port", "7001", "server.maxclients", "5", "server.backlog", "5", "keyspace.databases", "5", "server.auth.password", "x"), "*0\r\n"},
			[]string{"REDISCLI_AUTH=x"},
			exitProblem,
			"server.backlog: \"5\" there, \"511\" here; needs a restart\n" +
				"server.maxclients: \"5\" there, \"10000\" here; changes with a reload\n" +
				"server.auth.password: another secret there than here; changes with a reload\n" +
				"keyspace.databases: \"5\" there, \"16\" here; is fixed with the data: the server would not start\n" +
				"ADDR can not take this configuration with its data: keyspace.databases\n", "",
		},
		"kept": {
			[]string{
				bulks("server.port", "7001", "server.maxclients", "5", "server.timeouts.idle", "9s"),
				"*2\r\n" + origin("server.maxclients", "CONFIG SET by default at 2026-01-01T00:00:00Z") + origin("server.timeouts.idle", "a.yaml:5"),
			},
			nil, exitGood,
			"server.maxclients: \"5\" there, \"10000\" here; stays, since CONFIG SET has made it so\n" +
				"server.timeouts.idle: \"9s\" there, \"off\" here; changes with a reload\n" +
				"CONFIG UNSET gives way to the configuration: server.maxclients\n" +
				"a reload of ADDR is enough\n", "",
		},
		"all kept": {
			[]string{
				bulks("server.port", "7001", "server.maxclients", "5"),
				"*1\r\n" + origin("server.maxclients", "CONFIG SET by default at 2026-01-01T00:00:00Z"),
			},
			nil, exitGood,
			"server.maxclients: \"5\" there, \"10000\" here; stays, since CONFIG SET has made it so\n" +
				"CONFIG UNSET gives way to the configuration: server.maxclients\n" +
				"a reload of ADDR changes nothing\n", "",
		},
		"no origins":  {[]string{bulks("server.port", "7001"), "-ERR no\r\n"}, nil, exitUsage, "", "ERR no"},
		"nested":      {[]string{"*1\r\n*1\r\n*1\r\n*1\r\n*0\r\n"}, nil, exitUsage, "", "this is no Reredis server"},
		"password":    {[]string{"-WRONGPASS no\r\n"}, []string{"REDISCLI_AUTH=x"}, exitUsage, "", "WRONGPASS no"},
		"no password": {[]string{"-NOAUTH Authentication required.\r\n"}, nil, exitUsage, "", "NOAUTH Authentication required. Put the password into REDISCLI_AUTH"},
		"not allowed": {[]string{"-NOPERM no\r\n"}, nil, exitUsage, "", "NOPERM no"},
		"no list":     {[]string{":5\r\n"}, nil, exitUsage, "", "this is no Reredis server"},
		"no number":   {[]string{"*x\r\n"}, nil, exitUsage, "", "this is no Reredis server"},
		"no string":   {[]string{"*1\r\n$-2\r\n"}, nil, exitUsage, "", "this is no Reredis server"},
		"cut":         {[]string{"*1\r\n$5\r\nab"}, nil, exitUsage, "", "EOF"},
		"cut before":  {[]string{"*1\r\n"}, nil, exitUsage, "", "it closed the connection"},
		"empty":       {[]string{"*0\r\n"}, nil, exitUsage, "", "this is no Reredis server"},
		"silent":      {nil, nil, exitUsage, "", ""},
	} {
		var out, bad bytes.Buffer
		addr := answering(t, c.replies...)
		status := mainWith([]string{"check", "--port", "7001", "--against", addr}, c.env, &out, &bad)
		got, _ := strings.CutPrefix(out.String(), "the configuration is good\n")
		if status != c.status || strings.ReplaceAll(got, addr, "ADDR") != c.out || !strings.Contains(bad.String(), c.want) {
			t.Errorf("%s: %d\n%s%s", name, status, got, &bad)
		}
	}
}

// TestUnknownMemory: a share of the memory is refused where nobody knows how much there is.
func TestUnknownMemory(t *testing.T) {
	_, err := sizeOrOff(func() int64 { return 0 }).fromText("75%")
	if want := `"75%": the size of the memory is not known here, write a size`; err == nil || err.Error() != want {
		t.Error(err)
	}
}
