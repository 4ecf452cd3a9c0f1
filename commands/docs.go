package commands

import "github.com/reredis/reredis/bus"

// docFields collects the pairs of a map whose length is not known beforehand.
type docFields struct {
	r    *bus.Reply
	mark int
	n    int
}

func beginDocs(r *bus.Reply) *docFields { return &docFields{r: r, mark: r.Deferred()} }

// field begins a pair; its value is written next.
func (f *docFields) field(name string) {
	f.r.BulkString(name)
	f.n++
}

// text writes a pair unless the value is empty.
func (f *docFields) text(name, value string) {
	if value != "" {
		f.field(name)
		f.r.BulkString(value)
	}
}

func (f *docFields) end() { f.r.CloseMap(f.mark, f.n) }

// writeDocs writes one command's entry of COMMAND DOCS.
func writeDocs(r *bus.Reply, s *bus.Spec) {
	f := beginDocs(r)
	f.text("summary", s.Summary)
	f.text("since", s.Since)
	f.text("group", s.Group)
	f.text("complexity", s.Complexity)
	if flags := docFlags(s); len(flags) > 0 {
		f.field("doc_flags")
		writeStatusSet(r, "", flags)
	}
	f.text("deprecated_since", s.Deprecated)
	f.text("replaced_by", s.ReplacedBy)
	if len(s.History) > 0 {
		f.field("history")
		r.Set(len(s.History))
		for _, h := range s.History {
			r.Array(2)
			r.BulkString(h.Version)
			r.BulkString(h.Note)
		}
	}
	if args, err := s.Arguments(); err == nil && len(args) > 0 && len(s.Subs) == 0 {
		f.field("arguments")
		writeArgs(r, args)
	}
	if len(s.Subs) > 0 {
		f.field("subcommands")
		r.Map(len(s.Subs))
		for i := range s.Subs {
			r.BulkString(s.Subs[i].FullName())
			writeDocs(r, &s.Subs[i])
		}
	}
	f.end()
}

// docFlags are the flags that only COMMAND DOCS shows.
func docFlags(s *bus.Spec) []string {
	var flags []string
	if s.Deprecated != "" {
		flags = append(flags, "deprecated")
	}
	if s.Flags&bus.Protected != 0 {
		flags = append(flags, "syscmd")
	}
	return flags
}

// writeArgs writes a list of arguments.
func writeArgs(r *bus.Reply, args []bus.Arg) {
	r.Array(len(args))
	for i := range args {
		a := &args[i]
		f := beginDocs(r)
		f.text("name", a.Name)
		f.text("type", a.Type.String())
		if a.KeySpec >= 0 {
			f.field("key_spec_index")
			r.Int(int64(a.KeySpec))
		}
		f.text("token", a.Token)
		f.text("since", a.Since)
		f.text("deprecated_since", a.Deprecated)
		if flags := argFlags(a); len(flags) > 0 {
			f.field("flags")
			writeStatusSet(r, "", flags)
		}
		if len(a.Args) > 0 {
			f.field("arguments")
			writeArgs(r, a.Args)
		}
		f.end()
	}
}

// argFlags are the flags of an argument.
func argFlags(a *bus.Arg) []string {
	var flags []string
	for _, f := range []struct {
		on   bool
		name string
	}{
		{a.Optional, "optional"},
		{a.Multiple, "multiple"},
		{a.MultipleToken, "multiple_token"},
	} {
		if f.on {
			flags = append(flags, f.name)
		}
	}
	return flags
}
