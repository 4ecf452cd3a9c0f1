package tracking

import (
	"cmp"
	"maps"
	"slices"
)

// prefix is who wants to hear of all keys that begin with name. It is never changed.
type prefix struct {
	name    string
	clients []*state
}

// joinLocked adds st to prefixes, which begin with their first client; mu is held.
func (t *Tracker) joinLocked(st *state, names []string) {
	for _, name := range names {
		if t.members[name] == nil {
			t.members[name] = map[*state]struct{}{}
		}
		t.members[name][st] = struct{}{}
	}
	t.publishLocked(names)
}

// leaveLocked removes st from prefixes, which end with their last client; mu is held.
func (t *Tracker) leaveLocked(st *state, names []string) {
	for _, name := range names {
		if delete(t.members[name], st); len(t.members[name]) == 0 {
			delete(t.members, name)
		}
	}
	t.publishLocked(names)
}

// publishLocked makes the list of prefixes anew after these have changed.
func (t *Tracker) publishLocked(names []string) {
	if len(names) == 0 {
		return
	}
	var list []*prefix
	if p := t.prefixes.Load(); p != nil {
		list = slices.DeleteFunc(slices.Clone(*p), func(p *prefix) bool { return slices.Contains(names, p.name) })
	}
	for _, name := range names {
		if m := t.members[name]; m != nil {
			list = append(list, &prefix{name, slices.Collect(maps.Keys(m))})
		}
	}
	slices.SortFunc(list, func(a, b *prefix) int { return cmp.Compare(a.name, b.name) })
	list = slices.CompactFunc(list, func(a, b *prefix) bool { return a.name == b.name })
	if len(list) == 0 {
		t.prefixes.Store(nil)
		return
	}
	t.prefixes.Store(&list)
}
