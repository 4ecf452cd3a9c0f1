package commands_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/commands"
	"github.com/reredis/reredis/internal/resp"
)

// knownDifferences are where a row of our tables differs from COMMAND INFO of
// Redis on purpose: command and column, with the reason.
var knownDifferences = map[string]string{}

// TestSpecsEqualRedis compares every row with what redis-server says about the command.
func TestSpecsEqualRedis(t *testing.T) {
	s := newRemote(t)
	for _, spec := range slices.Concat(dataCommands(), commands.Messages(&commands.Deps{})) {
		reply := s.do("COMMAND", "INFO", spec.Name)
		if len(reply.Elems) != 1 || len(reply.Elems[0].Elems) != 10 {
			t.Errorf("%s: Redis answers %s", spec.Name, show(reply))
			continue
		}
		compareSpec(t, &spec, spec.Name, reply.Elems[0])
		docs := s.do("COMMAND", "DOCS", spec.Name)
		compareDocs(t, &spec, spec.Name, docs.Elems[1])
	}
}

func compareSpec(t *testing.T, spec *bus.Spec, name string, info resp.Value) {
	t.Helper()
	check := func(column string, got, want any) {
		t.Helper()
		_, known := knownDifferences[name+" "+column]
		same := fmt.Sprint(got) == fmt.Sprint(want)
		if same == known {
			t.Errorf("%s: %s is %v, in Redis %v (listed as different: %v)", name, column, got, want, known)
		}
	}
	first, last, step := spec.Legacy()
	categories := spec.Categories().Names()
	for i := range categories {
		categories[i] = "@" + categories[i]
	}
	check("name", name, info.Elems[0].String())
	check("arity", spec.Arity, info.Elems[1].Int)
	check("flags", sorted(spec.Flags.Names()), sorted(strs(info.Elems[2])))
	check("first key", first, info.Elems[3].Int)
	check("last key", last, info.Elems[4].Int)
	check("step", step, info.Elems[5].Int)
	check("categories", sorted(categories), sorted(strs(info.Elems[6])))
	check("tips", sorted(spec.Tips), sorted(strs(info.Elems[7])))
	check("key specs", describeKeys(spec.Keys), describeRedisKeys(info.Elems[8]))
	subs := map[string]resp.Value{}
	for _, sub := range info.Elems[9].Elems {
		subs[sub.Elems[0].String()] = sub
	}
	check("number of subcommands", len(spec.Subs), len(subs))
	for i := range spec.Subs {
		full := name + "|" + spec.Subs[i].Name
		if sub, ok := subs[full]; ok {
			compareSpec(t, &spec.Subs[i], full, sub)
		} else {
			t.Errorf("%s is not in Redis", full)
		}
	}
}

// compareDocs compares the facts of COMMAND DOCS; the prose is our own.
func compareDocs(t *testing.T, spec *bus.Spec, name string, docs resp.Value) {
	t.Helper()
	fields := map[string]resp.Value{}
	for i := 0; i+1 < len(docs.Elems); i += 2 {
		fields[docs.Elems[i].String()] = docs.Elems[i+1]
	}
	for field, got := range map[string]string{
		"since": spec.Since, "group": spec.Group,
		"deprecated_since": spec.Deprecated, "replaced_by": spec.ReplacedBy,
	} {
		if want := fields[field].String(); got != want {
			t.Errorf("%s: %s is %q, in Redis %q", name, field, got, want)
		}
	}
	history := fields["history"].Elems
	if len(history) != len(spec.History) {
		t.Errorf("%s: %d changes, in Redis %d", name, len(spec.History), len(history))
		return
	}
	for i, h := range history {
		if v := h.Elems[0].String(); v != spec.History[i].Version {
			t.Errorf("%s: change %d is of version %s, in Redis %s", name, i, spec.History[i].Version, v)
		}
	}
	for _, field := range []struct{ name, text string }{
		{"Summary", spec.Summary}, {"Complexity", spec.Complexity},
	} {
		if field.text == "" {
			t.Errorf("%s: no %s", name, field.name)
		}
	}
	if spec.Arity != 1 && spec.Usage == "" && len(spec.Subs) == 0 {
		t.Errorf("%s: no Usage", name)
	}
}

// describeKeys writes key specs as describeRedisKeys does.
func describeKeys(keys []bus.KeySpec) []string {
	var texts []string
	for _, k := range keys {
		texts = append(texts, fmt.Sprintf("%v notes=%q index=%d range=%d,%d,%d",
			sorted(k.Flags.Names()), k.Notes, k.Begin.Index, k.Find.Last, k.Find.Step, k.Find.Limit))
	}
	return texts
}

func describeRedisKeys(v resp.Value) []string {
	var texts []string
	for _, k := range v.Elems {
		f := pairs(k)
		begin, find := pairs(f["begin_search"]), pairs(f["find_keys"])
		if begin["type"].String() != "index" || find["type"].String() != "range" {
			texts = append(texts, show(k))
			continue
		}
		b, r := pairs(begin["spec"]), pairs(find["spec"])
		texts = append(texts, fmt.Sprintf("%v notes=%q index=%d range=%d,%d,%d",
			sorted(strs(f["flags"])), f["notes"].String(), b["index"].Int, r["lastkey"].Int, r["keystep"].Int, r["limit"].Int))
	}
	return texts
}

// pairs makes a map of a reply that is one.
func pairs(v resp.Value) map[string]resp.Value {
	m := map[string]resp.Value{}
	for i := 0; i+1 < len(v.Elems); i += 2 {
		m[v.Elems[i].String()] = v.Elems[i+1]
	}
	return m
}

func strs(v resp.Value) []string {
	var texts []string
	for _, e := range v.Elems {
		texts = append(texts, e.String())
	}
	return texts
}

func sorted(texts []string) []string {
	texts = slices.Clone(texts)
	slices.Sort(texts)
	return texts
}

// A command that touches keys is exactly one of write and readonly.
func TestSpecsAreWhole(t *testing.T) {
	var visit func(s *bus.Spec)
	visit = func(s *bus.Spec) {
		one := (s.Flags&bus.Write != 0) != (s.Flags&bus.ReadOnly != 0)
		if len(s.Keys) > 0 && !one {
			t.Errorf("%s has keys but is not exactly one of write and readonly", s.FullName())
		}
		if s.Summary == "" || !strings.HasSuffix(s.Summary, ".") {
			t.Errorf("%s: the summary %q is no sentence", s.FullName(), s.Summary)
		}
		for i := range s.Subs {
			visit(&s.Subs[i])
		}
	}
	for _, s := range dataCommands() {
		visit(&s)
	}
}
