package commands

import (
	"strings"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/internal/glob"
)

// commandFlags are what COMMAND and its subcommands have in common.
const commandFlags = bus.Loading | bus.Stale

// commandSpec is COMMAND, which is a command and a container.
func commandSpec(h *server) bus.Spec {
	anyOrder := []string{"nondeterministic_output_order"}
	return bus.Spec{
		Name: "command", Run: h.command, Arity: -1, Flags: commandFlags, Cats: bus.CatConnection,
		Group: "server", Since: "2.8.13", Complexity: "O(N) where N is the total number of commands",
		Summary: "Describes all commands.",
		Tips:    anyOrder,
		Subs: []bus.Spec{
			{
				Name: "count", Run: h.commandCount, Arity: 2, Flags: commandFlags, Cats: bus.CatConnection,
				Group: "server", Since: "2.8.13", Complexity: "O(1)",
				Summary: "Tells how many commands there are, not counting subcommands.",
			},
			{
				Name: "docs", Run: h.commandDocs, Arity: -2, Flags: commandFlags, Cats: bus.CatConnection,
				Group: "server", Since: "7.0.0", Complexity: "O(N) where N is the number of commands to look up",
				Usage:   "[command-name [command-name ...]]",
				Summary: "Explains commands: what they do, their arguments, since when they exist.",
				Tips:    anyOrder,
			},
			{
				Name: "getkeys", Run: h.commandGetKeys, Arity: -4, Flags: commandFlags, Cats: bus.CatConnection,
				Group: "server", Since: "2.8.13", Complexity: "O(N) where N is the number of arguments to the command",
				Usage:   "command [arg [arg ...]]",
				Summary: "Finds the keys among the arguments of a command.",
			},
			{
				Name: "getkeysandflags", Run: h.commandGetKeysAndFlags, Arity: -4, Flags: commandFlags, Cats: bus.CatConnection,
				Group: "server", Since: "7.0.0", Complexity: "O(N) where N is the number of arguments to the command",
				Usage:   "command [arg [arg ...]]",
				Summary: "Finds the keys among the arguments of a command, and what it does with each.",
			},
			{
				Name: "help", Run: commandHelp, Arity: 2, Flags: commandFlags, Cats: bus.CatConnection,
				Group: "server", Since: "5.0.0", Complexity: "O(1)",
				Summary: "Lists the subcommands.",
			},
			{
				Name: "info", Run: h.commandInfo, Arity: -2, Flags: commandFlags, Cats: bus.CatConnection,
				Group: "server", Since: "2.8.13", Complexity: "O(N) where N is the number of commands to look up",
				Usage:   "[command-name [command-name ...]]",
				Summary: "Describes commands: arity, flags, keys, categories.",
				Tips:    anyOrder,
				History: []bus.Change{{Version: "7.0.0", Note: "Without names it describes all commands."}},
			},
			{
				Name: "list", Run: h.commandList, Arity: -2, Flags: commandFlags, Cats: bus.CatConnection,
				Group: "server", Since: "7.0.0", Complexity: "O(N) where N is the total number of commands",
				Usage:   "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
				Args:    []bus.ArgNote{{Arg: "module-name_category_pattern", Name: "filterby"}},
				Summary: "Lists the names of commands and subcommands.",
				Tips:    anyOrder,
			},
		},
	}
}

// specNamed finds a command by its full name: "get", "client|kill".
func specNamed(b *bus.Bus, name []byte) *bus.Spec {
	first, second, isSub := strings.Cut(string(name), "|")
	if !isSub {
		return b.Spec([]byte(first))
	}
	s := b.Spec([]byte(first), []byte(second))
	if s == nil || !strings.EqualFold(s.FullName(), string(name)) {
		return nil
	}
	return s
}

func (h *server) command(c *bus.Ctx) error {
	specs := c.Bus().Specs()
	c.Reply.Array(len(specs))
	for _, s := range specs {
		writeInfo(&c.Reply, s)
	}
	return nil
}

func (h *server) commandCount(c *bus.Ctx) error {
	c.Reply.Int(int64(len(c.Bus().Specs())))
	return nil
}

func (h *server) commandDocs(c *bus.Ctx) error {
	var specs []*bus.Spec
	for _, name := range c.Args[2:] {
		if s := specNamed(c.Bus(), name); s != nil {
			specs = append(specs, s)
		}
	}
	if len(c.Args) == 2 {
		specs = c.Bus().Specs()
	}
	c.Reply.Map(len(specs))
	for _, s := range specs {
		c.Reply.BulkString(s.FullName())
		writeDocs(&c.Reply, s)
	}
	return nil
}

func (h *server) commandInfo(c *bus.Ctx) error {
	if len(c.Args) == 2 {
		return h.command(c)
	}
	c.Reply.Array(len(c.Args) - 2)
	for _, name := range c.Args[2:] {
		if s := specNamed(c.Bus(), name); s != nil {
			writeInfo(&c.Reply, s)
		} else {
			c.Reply.Null()
		}
	}
	return nil
}

func (h *server) commandList(c *bus.Ctx) error {
	keep, err := listFilter(c.Args[2:])
	if err != nil {
		return err
	}
	var names []string
	add := func(s *bus.Spec) {
		if keep(s) {
			names = append(names, s.FullName())
		}
	}
	for _, s := range c.Bus().Specs() {
		add(s)
		for i := range s.Subs {
			add(&s.Subs[i])
		}
	}
	c.Reply.Array(len(names))
	for _, n := range names {
		c.Reply.BulkString(n)
	}
	return nil
}

// listFilter reads what follows COMMAND LIST.
func listFilter(args [][]byte) (keep func(*bus.Spec) bool, err error) {
	if len(args) == 0 {
		return func(*bus.Spec) bool { return true }, nil
	}
	if len(args) != 3 || !bus.EqualFold(args[0], "FILTERBY") {
		return nil, bus.ErrSyntax
	}
	arg := strings.ToLower(string(args[2]))
	switch by := args[1]; {
	case bus.EqualFold(by, "MODULE"):
		return func(s *bus.Spec) bool { return s.Flags&bus.Module != 0 && s.Group == arg }, nil
	case bus.EqualFold(by, "ACLCAT"):
		cat, _ := bus.ParseCategory(arg)
		return func(s *bus.Spec) bool { return s.Categories()&cat != 0 }, nil
	case bus.EqualFold(by, "PATTERN"):
		return func(s *bus.Spec) bool { return glob.Match([]byte(arg), []byte(s.FullName())) }, nil
	}
	return nil, bus.ErrSyntax
}

func commandHelp(c *bus.Ctx) error {
	c.Reply.Help("COMMAND",
		"(no subcommand)",
		"    Return details about all Redis commands.",
		"COUNT",
		"    Return the total number of commands in this Redis server.",
		"LIST",
		"    Return a list of all commands in this Redis server.",
		"INFO [<command-name> ...]",
		"    Return details about multiple Redis commands.",
		"    If no command names are given, documentation details for all",
		"    commands are returned.",
		"DOCS [<command-name> ...]",
		"    Return documentation details about multiple Redis commands.",
		"    If no command names are given, documentation details for all",
		"    commands are returned.",
		"GETKEYS <full-command>",
		"    Return the keys from a full Redis command.",
		"GETKEYSANDFLAGS <full-command>",
		"    Return the keys and the access flags from a full Redis command.",
	)
	return nil
}
