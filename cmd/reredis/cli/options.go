package cli

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// options is what the command line and the environment say.
type options struct {
	host   string
	port   int
	socket string // path of a unix socket; wins over host and port

	user, password string
	auth           bool // password is set, be it to nothing
	warned         bool // --no-auth-warning: the user knows that arguments are visible
	onCommandLine  bool // the password came with -a, --pass or -u
	askPassword    bool
	db             int

	resp2, resp3 bool
	output       output // outputAuto until Run knows where stdout goes
	pushes       string // yes, no or, until Run knows where stdout goes, nothing

	repeat   int64 // negative: for ever
	interval time.Duration

	stdinLast   bool   // -x
	stdinTag    string // -X
	stdinTagged bool
	quotedInput bool
	delimiter   string // between the elements of a raw reply
	terminator  string // behind a raw reply

	help, version bool
	command       []string
}

// output is a form of replies.
type output uint8

const (
	outputAuto output = iota
	outputTTY
	outputRaw
	outputJSON
)

// option is a row of the table of options.
type option struct {
	names string // separated by a space
	value string // what its argument is called; "" if it takes none
	help  string // lines; "" for aliases and what is accepted to no effect
	set   func(o *options, value string) error
}

var optionTable = []option{
	{"-h", "hostname", "Host of the server (127.0.0.1).", func(o *options, v string) error { o.host = v; return nil }},
	{"-p", "port", "Port of the server (6379).", func(o *options, v string) (err error) { o.port, err = number(v, math.MaxUint16); return err }},
	{"-s", "socket", "Unix socket of the server, instead of host and port.", func(o *options, v string) error { o.socket = v; return nil }},
	{"-a --pass", "password", "Password. The environment variable REREDIS_AUTH, or\nREDISCLI_AUTH, is safer: arguments are visible to others.", setPassword},
	{"--user", "name", "User that the password belongs to.", func(o *options, v string) error { o.user = v; return nil }},
	{"--askpass", "", "Ask for the password in the terminal.", func(o *options, _ string) error { o.askPassword = true; return nil }},
	{"--no-auth-warning", "", "Do not warn about passwords in arguments.", func(o *options, _ string) error { o.warned = true; return nil }},
	{"-u", "url", "Server as redis://[[user:]password@]host[:port][/db].", setURL},
	{"-n", "db", "Number of the database (0).", func(o *options, v string) (err error) { o.db, err = number(v, math.MaxInt32); return err }},
	{"-2", "", "Speak version 2 of the protocol, as if nothing is said.", func(o *options, _ string) error { o.resp2 = true; return nil }},
	{"-3", "", "Speak version 3 of the protocol.", func(o *options, _ string) error { o.resp3 = true; return nil }},
	{"-r", "count", "Run the command that many times; a negative count: for ever.", func(o *options, v string) (err error) {
		o.repeat, err = strconv.ParseInt(v, 10, 64)
		return err
	}},
	{"-i", "seconds", "Wait that long after each run with -r; 0.1 is possible.", setInterval},
	{"-x", "", "Take the last argument of the command from standard input.", func(o *options, _ string) error { o.stdinLast = true; return nil }},
	{"-X", "tag", "Take the argument that equals tag from standard input.", func(o *options, v string) error { o.stdinTag, o.stdinTagged = v, true; return nil }},
	{"--quoted-input", "", `Arguments of the command are quoted: '"\x00\n"'.`, func(o *options, _ string) error { o.quotedInput = true; return nil }},
	{"--raw", "", "Show replies as they are (when the output is no terminal).", func(o *options, _ string) error { o.output = outputRaw; return nil }},
	{"--no-raw", "", "Show replies with types and quotes (in a terminal).", func(o *options, _ string) error { o.output = outputTTY; return nil }},
	{"--json", "", "Show replies as JSON; speaks version 3 unless -2 is given.", func(o *options, _ string) error { o.output = outputJSON; return nil }},
	{"-d", "delimiter", `Between the elements of a raw reply (\n).`, func(o *options, v string) error { o.delimiter = v; return nil }},
	{"-D", "delimiter", `Behind a raw reply (\n).`, func(o *options, v string) error { o.terminator = v; return nil }},
	{"--show-pushes", "yes|no", "Show messages that are no replies (yes in a terminal).", setPushes},
	{"-e", "", "", func(*options, string) error { return nil }}, // an error reply is always exit status 1
	{"--help", "", "Show this help.", func(o *options, _ string) error { o.help = true; return nil }},
	{"-v --version", "", "Show the version.", func(o *options, _ string) error { o.version = true; return nil }},
}

// parseOptions reads the arguments up to the first that is no option, where the
// command begins, and the environment.
func parseOptions(args []string) (*options, error) {
	o := &options{host: "127.0.0.1", port: 6379, repeat: 1, delimiter: "\n", terminator: "\n"}
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		name := args[0]
		row := findOption(name)
		switch {
		case row == nil:
			return nil, message("Unrecognized option or bad number of args for: '" + name + "'")
		case row.value == "":
			args = args[1:]
			if err := row.set(o, ""); err != nil {
				return nil, err
			}
		case len(args) < 2 && name == "-h":
			o.help = true
			args = nil
		case len(args) < 2:
			return nil, message("Unrecognized option or bad number of args for: '" + name + "'")
		default:
			if err := row.set(o, args[1]); err != nil {
				return nil, fmt.Errorf("%s %s: %w", name, args[1], err)
			}
			args = args[2:]
		}
	}
	o.command = args
	switch {
	case o.resp2 && o.resp3:
		return nil, message("Options -2 and -3 are mutually exclusive.")
	case o.stdinLast && o.stdinTagged:
		return nil, message("Options -x and -X are mutually exclusive.")
	}
	for _, name := range []string{"REREDIS_AUTH", "REDISCLI_AUTH"} {
		if v, ok := os.LookupEnv(name); ok && !o.auth {
			o.password, o.auth = v, true
		}
	}
	return o, nil
}

func findOption(name string) *option {
	for i := range optionTable {
		for n := range strings.FieldsSeq(optionTable[i].names) {
			if n == name {
				return &optionTable[i]
			}
		}
	}
	return nil
}

// address is what to dial.
func (o *options) address() (network, address string) {
	if o.socket != "" {
		return "unix", o.socket
	}
	return "tcp", o.hostPort()
}

// hostPort writes host and port, an IPv6 address in brackets.
func (o *options) hostPort() string {
	if strings.Contains(o.host, ":") {
		return "[" + o.host + "]:" + strconv.Itoa(o.port)
	}
	return o.host + ":" + strconv.Itoa(o.port)
}

func setPassword(o *options, v string) error {
	o.password, o.auth, o.onCommandLine = v, true, true
	return nil
}

func setPushes(o *options, v string) error {
	switch strings.ToLower(v) {
	case "y", "yes":
		o.pushes = "yes"
	case "n", "no":
		o.pushes = "no"
	default:
		return errors.New("yes or no is possible")
	}
	return nil
}

func setInterval(o *options, v string) error {
	seconds, err := strconv.ParseFloat(v, 64)
	if err != nil || !(seconds >= 0 && seconds < 1e9) {
		return errors.New("not a number of seconds")
	}
	o.interval = time.Duration(seconds * float64(time.Second))
	return nil
}

// setURL takes from a URL what it says; the rest stays.
func setURL(o *options, v string) error {
	u, err := url.Parse(v)
	if err != nil {
		return errors.Unwrap(err) // without the URL, which may hold a password
	}
	if u.Scheme != "redis" {
		return message("Invalid URI scheme")
	}
	if u.User != nil {
		password, both := u.User.Password()
		if both {
			o.user = u.User.Username()
		} else {
			password = u.User.Username()
		}
		if err := setPassword(o, password); err != nil {
			return err
		}
	}
	if u.Hostname() != "" {
		o.host = u.Hostname()
	}
	if u.Port() != "" {
		if o.port, err = number(u.Port(), math.MaxUint16); err != nil {
			return err
		}
	}
	if path := strings.Trim(u.Path, "/"); path != "" {
		o.db, err = number(path, math.MaxInt32)
	}
	return err
}

// number reads a number from 0 to highest.
func number(s string, highest int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 0 || n > highest {
		return 0, fmt.Errorf("not a number from 0 to %d", highest)
	}
	return n, nil
}

// usage is the text of --help.
func usage() string {
	const column = 24
	var b strings.Builder
	b.WriteString("Usage: reredis cli [OPTIONS] [command [argument ...]]\n\n")
	for _, row := range optionTable {
		if row.help == "" {
			continue
		}
		name := strings.ReplaceAll(row.names, " ", ", ")
		if row.value != "" {
			name += " <" + row.value + ">"
		}
		for i, line := range strings.Split(row.help, "\n") {
			if i > 0 {
				name = ""
			}
			fmt.Fprintf(&b, "  %-*s %s\n", column, name, line)
		}
	}
	b.WriteString(`
Examples:
  reredis cli SET greeting hello
  cat picture.png | reredis cli -x SET picture
  reredis cli -r 10 -i 1 INCR counter
  reredis cli --quoted-input SET '"with\x00byte"' value

Without a command a session starts, in which "help" tells more. An error reply
to a command from the arguments is written to standard error, and the exit status
is 1.
`)
	return b.String()
}
