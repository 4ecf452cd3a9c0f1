package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tidwall/resp"

	"github.com/reredis/reredis/internal/vfs"
	"github.com/reredis/reredis/wal"
)

const walUsage = `Usage: reredis wal <command> [options]

  inspect   show what a data directory holds: segments, snapshots, where the log
            ends; with --from LSN also the entries from there on, with
            --follow also those that a running server adds, until Ctrl-C
  verify    read all of the log and of the snapshots and check them
  repair    make the log end with --cut-at LSN: give up what follows. The bytes
            that are cut off stay in files named *.torn
  snapshot  load the data of a server that does not run and make a snapshot of
            it, so that the next start is fast and the log short

Options:
  --dir DIR       the data directory (reredis-data/<port>)
  --port PORT     whose server's, if --dir is not given (6379)
  --from LSN      inspect: the first entry to show; --to LSN: the last one
  --follow        inspect: go on with what is written, durable or not yet
  --width BYTES   inspect: how much of each argument to show (64, 0 for all)
  --cut-at LSN    repair: the last entry to keep
  --compress      snapshot: with s2

inspect and verify change nothing and may be used while a server runs; repair
and snapshot refuse then. Status: 0 good, 1 a problem, 2 wrong usage.
`

// walTool is a call of "reredis wal".
type walTool struct {
	out, err io.Writer
	dir      string
	port     int
	from, to uint64
	width    int
	cutAt    uint64
	compress bool
	follow   bool
	given    map[string]bool
}

// walMain is the subcommand "wal": args are what follows it.
func walMain(args, _ []string, std stdio) int {
	t := &walTool{out: std.out, err: std.err, given: map[string]bool{}}
	commands := map[string]func() error{"inspect": t.inspect, "verify": t.verify, "repair": t.repair, "snapshot": t.snapshot}
	if len(args) == 0 {
		fmt.Fprint(std.err, walUsage)
		return 2
	}
	switch args[0] {
	case "help", "--help", "-h":
		fmt.Fprint(std.out, walUsage)
		return 0
	}
	run, ok := commands[args[0]]
	if !ok {
		fmt.Fprintf(std.err, "reredis wal: unknown command %q\n\n%s", args[0], walUsage)
		return 2
	}
	if err := t.parse(args[0], args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			fmt.Fprint(std.out, walUsage)
			return 0
		}
		fmt.Fprintf(std.err, "reredis wal %s: %v\n\n%s", args[0], err, walUsage)
		return 2
	}
	if err := run(); err != nil {
		fmt.Fprintf(std.err, "reredis wal %s: %v\n", args[0], err)
		return 1
	}
	return 0
}

func (t *walTool) parse(command string, args []string) error {
	f := flag.NewFlagSet(command, flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&t.dir, "dir", "", "")
	f.IntVar(&t.port, "port", 6379, "")
	switch command {
	case "inspect":
		f.Uint64Var(&t.from, "from", 0, "")
		f.Uint64Var(&t.to, "to", ^uint64(0), "")
		f.IntVar(&t.width, "width", 64, "")
		f.BoolVar(&t.follow, "follow", false, "")
	case "repair":
		f.Uint64Var(&t.cutAt, "cut-at", 0, "")
	case "snapshot":
		f.BoolVar(&t.compress, "compress", false, "")
	}
	if err := f.Parse(args); err != nil {
		return err
	}
	f.Visit(func(f *flag.Flag) { t.given[f.Name] = true })
	switch {
	case f.NArg() > 0:
		return fmt.Errorf("what is %q?", f.Arg(0))
	case command == "repair" && !t.given["cut-at"]:
		return errors.New("--cut-at LSN is missing; reredis wal verify tells where the log is damaged")
	case t.dir == "":
		t.dir = filepath.Join("reredis-data", strconv.Itoa(t.port))
	}
	return nil
}

// look inspects the directory and prints what it holds.
func (t *walTool) look() (*wal.Inspection, error) {
	in, err := wal.Inspect(vfs.ReadOnly(t.dir))
	if err != nil {
		return nil, fmt.Errorf("data directory %s: %w", t.dir, err)
	}
	fmt.Fprintf(t.out, "data directory   %s\n", t.dir)
	if in.InUse != "" {
		fmt.Fprintf(t.out, "in use           %s: the end of the log moves\n", in.InUse)
	}
	fmt.Fprintf(t.out, "log              LSN %d to %d, epoch %d\n", in.First, in.Last, in.Epoch)
	fmt.Fprintf(t.out, "known durable    up to LSN %d\n", in.Durable)
	switch {
	case in.Off:
		fmt.Fprintf(t.out, "log off          since LSN %d: later changes are in snapshots only\n", in.Last)
	case in.CleanEnd > 0:
		fmt.Fprintf(t.out, "closed           with LSN %d\n", in.CleanEnd)
	case in.InUse == "":
		fmt.Fprintln(t.out, "closed           no: the server was killed, or the machine stopped")
	}
	if in.TornBytes > 0 && in.InUse == "" {
		fmt.Fprintf(t.out, "unfinished end   %d bytes, which the next start cuts off\n", in.TornBytes)
	}
	for _, s := range in.Snapshots {
		fmt.Fprintf(t.out, "snapshot         %d: %d keys, %d bytes, LSN %d, from %s\n", s.ID, s.Keys, s.Bytes, s.MaxL, stamp(s.Millis))
	}
	for _, s := range in.Segments {
		fmt.Fprintf(t.out, "segment          %s, from %s\n", s, stamp(s.Created))
	}
	for _, name := range in.Useless {
		fmt.Fprintf(t.out, "left over        %s\n", name)
	}
	return in, nil
}

// stamp is a time in unix ms as text.
func stamp(millis int64) string {
	return time.UnixMilli(millis).UTC().Format("2006-01-02T15:04:05.000Z")
}

// inspect shows a directory and, with --from or --to, entries.
func (t *walTool) inspect() (err error) {
	in, err := t.look()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	if t.follow {
		return t.tail(in)
	}
	if t.given["from"] || t.given["to"] {
		if err := t.entries(in); err != nil {
			return err
		}
	}
	return errors.Join(in.Problem, in.Older)
}

// errShown ends the showing of entries.
var errShown = errors.New("all was shown")

func (t *walTool) entries(in *wal.Inspection) error {
	err := in.Entries(wal.LSN(t.from), t.show)
	if errors.Is(err, errShown) {
		return nil
	}
	return err
}

// tail shows entries as they are written, those of the past with --from only.
func (t *walTool) tail(in *wal.Inspection) error {
	if in.InUse == "" {
		return errors.New("no server runs whose log could be followed")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	from := in.Last + 1
	if t.given["from"] {
		from = wal.LSN(t.from)
	}
	err := in.Follow(ctx, from, t.show)
	if errors.Is(err, errShown) {
		return nil
	}
	return err
}

// show prints an entry.
func (t *walTool) show(lsn wal.LSN, millis int64, e wal.Entry) error {
	if lsn > wal.LSN(t.to) {
		return errShown
	}
	slot := strconv.Itoa(int(e.Slot))
	if e.Slot == wal.BarrierSlot {
		slot = "-"
	}
	more := ""
	if e.Flags&wal.More != 0 {
		more = " +" // the next entry belongs to the same group
	}
	_, err := fmt.Fprintf(t.out, "%d %s db %d slot %s %s%s\n", lsn, stamp(millis), e.DB, slot, t.command(e.Effect), more)
	return err
}

// command is an effect as text.
func (t *walTool) command(effect []byte) string {
	in := bytes.NewReader(effect)
	v, n, err := resp.NewReader(in).ReadValue()
	if err != nil || n != len(effect) || v.Type() != resp.Array {
		return fmt.Sprintf("no command: %q", effect)
	}
	var words []string
	for _, arg := range v.Array() {
		b := arg.Bytes()
		rest := ""
		if t.width > 0 && len(b) > t.width {
			rest = fmt.Sprintf("...(%d bytes)", len(b))
			b = b[:t.width]
		}
		words = append(words, strconv.Quote(string(b))+rest)
	}
	return strings.Join(words, " ")
}

// verify checks everything.
func (t *walTool) verify() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	in, err := t.look()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	problems := []error{in.Problem, in.Older}
	for _, s := range in.Snapshots {
		if err := in.Verify(ctx, s.ID); err != nil {
			problems = append(problems, fmt.Errorf("snapshot %d: %w", s.ID, err))
		}
	}
	effects := 0
	if in.Problem == nil && in.Older == nil {
		problems = append(problems, in.Entries(0, func(lsn wal.LSN, _ int64, e wal.Entry) error {
			effects++
			if text := t.command(e.Effect); strings.HasPrefix(text, "no command") {
				return fmt.Errorf("LSN %d: %s", lsn, text)
			}
			return ctx.Err()
		}))
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "good             %d entries, %d snapshots\n", effects, len(in.Snapshots))
	return nil
}

// repair cuts the log.
func (t *walTool) repair() error {
	info, err := wal.Repair(vfs.OS(t.dir), wal.FileOptions{}, wal.LSN(t.cutAt))
	if err != nil {
		return fmt.Errorf("data directory %s: %w", t.dir, err)
	}
	fmt.Fprintf(t.out, "the log ends with LSN %d now\n", info.Last)
	for _, name := range info.TornKept {
		fmt.Fprintf(t.out, "kept             %s\n", filepath.Join(t.dir, filepath.FromSlash(name)))
	}
	return nil
}
