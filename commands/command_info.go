package commands

import "github.com/reredis/reredis/bus"

// writeInfo writes one command's entry of COMMAND and COMMAND INFO.
func writeInfo(r *bus.Reply, s *bus.Spec) {
	first, last, step := s.Legacy()
	flags := s.Flags
	if s.Movable() {
		flags |= bus.MovableKeys
	}
	r.Array(10)
	r.BulkString(s.FullName())
	r.Int(int64(s.Arity))
	writeStatusSet(r, "", flags.Names())
	r.Int(int64(first))
	r.Int(int64(last))
	r.Int(int64(step))
	writeStatusSet(r, "@", s.Categories().Names())
	r.Set(len(s.Tips))
	for _, t := range s.Tips {
		r.BulkString(t)
	}
	r.Set(len(s.Keys))
	for i := range s.Keys {
		writeKeySpec(r, &s.Keys[i])
	}
	if len(s.Subs) == 0 {
		r.Set(0)
		return
	}
	r.Array(len(s.Subs))
	for i := range s.Subs {
		writeInfo(r, &s.Subs[i])
	}
}

// writeStatusSet writes words as a set of status replies.
func writeStatusSet(r *bus.Reply, prefix string, words []string) {
	r.Set(len(words))
	for _, w := range words {
		r.Status(prefix + w)
	}
}

// writeKeySpec writes one key spec.
func writeKeySpec(r *bus.Reply, k *bus.KeySpec) {
	if k.Notes == "" {
		r.Map(3)
	} else {
		r.Map(4)
		r.BulkString("notes")
		r.BulkString(k.Notes)
	}
	r.BulkString("flags")
	writeStatusSet(r, "", k.Flags.Names())
	r.BulkString("begin_search")
	switch b := k.Begin; {
	case b.Keyword != "":
		writeSearch(r, "keyword", 2)
		r.BulkString("keyword")
		r.BulkString(b.Keyword)
		r.BulkString("startfrom")
		r.Int(int64(b.From))
	case b.Index == 0:
		writeSearch(r, "unknown", 0)
	default:
		writeSearch(r, "index", 1)
		r.BulkString("index")
		r.Int(int64(b.Index))
	}
	r.BulkString("find_keys")
	switch f := k.Find; f.Kind {
	case bus.FindUnknown:
		writeSearch(r, "unknown", 0)
	case bus.FindRange:
		writeSearch(r, "range", 3)
		r.BulkString("lastkey")
		r.Int(int64(f.Last))
		r.BulkString("keystep")
		r.Int(int64(f.Step))
		r.BulkString("limit")
		r.Int(int64(f.Limit))
	case bus.FindKeyNum:
		writeSearch(r, "keynum", 3)
		r.BulkString("keynumidx")
		r.Int(int64(f.NumIndex))
		r.BulkString("firstkey")
		r.Int(int64(f.First))
		r.BulkString("keystep")
		r.Int(int64(f.Step))
	}
}

// writeSearch begins one half of a key spec; n pairs of its spec follow.
func writeSearch(r *bus.Reply, typ string, n int) {
	r.Map(2)
	r.BulkString("type")
	r.BulkString(typ)
	r.BulkString("spec")
	r.Map(n)
}
