package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/reredis/reredis/internal/resp"
)

// tick is the unit of the times in /proc/PID/stat; Linux fixes it for programs.
const tick = time.Second / 100

// process is a running server with a directory of its own.
type process struct {
	name string
	port int
	dir  string
	argv []string // of taskset
	env  []string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// start runs argv on the given CPUs, {port} and {dir} filled in, and returns
// when it answers PING. What it prints goes to a file, see output.
func start(ctx context.Context, name, cpus string, env []string, argv ...string) (*process, error) {
	dir, err := os.MkdirTemp("", "bench-"+name+"-")
	if err != nil {
		return nil, err
	}
	p := &process{name: name, dir: dir}
	if p.port, err = freePort(); err != nil {
		return nil, err
	}
	fill := strings.NewReplacer("{port}", strconv.Itoa(p.port), "{dir}", dir)
	p.argv, p.env = []string{"-c", cpus}, append(os.Environ(), env...)
	for _, a := range argv {
		p.argv = append(p.argv, fill.Replace(a))
	}
	if err := p.launch(ctx); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// launch runs the process in its directory, for the first time or again after kill, and
// returns when it answers PING with PONG.
func (p *process) launch(ctx context.Context) error {
	log, err := os.OpenFile(filepath.Join(p.dir, "output"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	p.cmd = exec.CommandContext(ctx, "taskset", p.argv...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr, p.cmd.Env = p.dir, log, log, p.env
	if err := p.cmd.Start(); err != nil {
		return err
	}
	p.done = make(chan struct{})
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	if err := p.awaitPong(); err != nil {
		out := p.output()
		return fmt.Errorf("%s did not start (%s): %w\n%s", p.name, strings.Join(p.argv[2:], " "), err, out[max(0, len(out)-600):])
	}
	return nil
}

// kill ends the process as kill -9 does and keeps its directory.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// startLimit is the time for loading what lies in the directory.
const startLimit = time.Minute

func (p *process) awaitPong() error {
	retry := time.NewTicker(5 * time.Millisecond)
	defer retry.Stop()
	limit := time.After(startLimit)
	for {
		c, err := dial(p.port)
		if err == nil {
			v, err := c.call("PING")
			c.Close()
			if err == nil && v.String() == "PONG" {
				return nil
			}
		}
		select {
		case <-p.done:
			return errors.New("it ended")
		case <-limit:
			return fmt.Errorf("no PONG within %v", startLimit)
		case <-retry.C:
		}
	}
}

// stop ends the process and removes its directory.
func (p *process) stop() {
	defer os.RemoveAll(p.dir)
	if p.cmd == nil || p.cmd.Process == nil {
		return
	}
	p.cmd.Process.Signal(syscall.SIGCONT)
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.cmd.Process.Kill()
		<-p.done
	}
}

// pause stops the process from running until resume.
func (p *process) pause() { p.cmd.Process.Signal(syscall.SIGSTOP) }

func (p *process) resume() { p.cmd.Process.Signal(syscall.SIGCONT) }

// output returns what the process has printed.
func (p *process) output() []byte {
	b, _ := os.ReadFile(filepath.Join(p.dir, "output"))
	return b
}

func (p *process) proc(file string) string {
	return fmt.Sprintf("/proc/%d/%s", p.cmd.Process.Pid, file)
}

// cpu returns the time that the process has spent on CPUs, user and system.
func (p *process) cpu() (time.Duration, error) {
	b, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return 0, err
	}
	f := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
	user, err1 := strconv.ParseInt(string(f[11]), 10, 64)
	sys, err2 := strconv.ParseInt(string(f[12]), 10, 64)
	return time.Duration(user+sys) * tick, errors.Join(err1, err2)
}

// rss returns the resident memory in bytes.
func (p *process) rss() (int64, error) {
	b, err := os.ReadFile(p.proc("status"))
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(b), "VmRSS:")
	kb, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	n, err := strconv.ParseInt(kb, 10, 64)
	return n << 10, err
}

// descriptors returns how many files and sockets the process has open.
func (p *process) descriptors() (int, error) {
	entries, err := os.ReadDir(p.proc("fd"))
	return len(entries), err
}

// ours is the command line of a Reredis without HTTP and, unless more speaks of it, without log.
func ours(path, more string) []string {
	argv := []string{path, "--port", "{port}", "--dir", "{dir}", "--http-port", "0"}
	return append(argv, durability(more)...)
}

// theirs is the command line of a redis-server that takes no snapshots of itself and, unless more speaks of it, without log.
func theirs(path, more string) []string {
	argv := []string{path, "--port", "{port}", "--dir", "{dir}", "--save", "", "--bind", "127.0.0.1"}
	return append(argv, durability(more)...)
}

// contender is a server that is measured.
type contender struct {
	name string
	argv []string
}

// contenders are ours, with this command line, and the redis-server peer unless that is empty.
func contenders(our []string, peer string) []contender {
	list := []contender{{"reredis", our}}
	if peer != "" {
		list = append(list, contender{"redis", theirs(peer, "")})
	}
	return list
}

// durability turns the log off unless the arguments speak of it.
func durability(more string) []string {
	if strings.Contains(more, "--appendonly") {
		return strings.Fields(more)
	}
	return append([]string{"--appendonly", "no"}, strings.Fields(more)...)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// conn is a client's connection: what send collected leaves with flush.
type conn struct {
	net.Conn
	r   *bufio.Reader
	out []byte
}

func dial(port int) (*conn, error) {
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, r: bufio.NewReaderSize(c, 64<<10)}, nil
}

func (c *conn) send(args ...string) { c.out = resp.AppendCommand(c.out, args...) }

func (c *conn) flush() error {
	_, err := c.Write(c.out)
	c.out = c.out[:0]
	return err
}

func (c *conn) read() (resp.Value, error) { return resp.ReadReply(c.r) }

// call sends one command and returns its reply; an error reply is an error.
func (c *conn) call(args ...string) (resp.Value, error) {
	c.send(args...)
	if err := c.flush(); err != nil {
		return resp.Value{}, err
	}
	v, err := c.read()
	if err == nil && v.IsError() {
		err = fmt.Errorf("%s: %s", args[0], v.String())
	}
	return v, err
}

// children returns the processes that p has forked.
func (p *process) children() ([]string, error) {
	b, err := os.ReadFile(p.proc(fmt.Sprintf("task/%d/children", p.cmd.Process.Pid)))
	return strings.Fields(string(b)), err
}

// pss returns the resident memory of a process in bytes, of pages that n processes share an nth.
func pss(pid string) (int64, error) {
	b, err := os.ReadFile("/proc/" + pid + "/smaps_rollup")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(b), "\nPss:")
	kb, _, _ := strings.Cut(strings.TrimSpace(after), " ")
	n, err := strconv.ParseInt(kb, 10, 64)
	return n << 10, err
}
