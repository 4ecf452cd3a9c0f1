package bus

import (
	"errors"
	"strconv"
)

// KeyFlags say what a command does with a key, named as in COMMAND INFO.
type KeyFlags uint16

// The key flags in Redis' order.
const (
	KeyRO KeyFlags = 1 << iota
	KeyRW
	KeyOW
	KeyRM
	KeyAccess
	KeyUpdate
	KeyInsert
	KeyDelete
	KeyNotKey
	KeyIncomplete
	KeyVariableFlags
)

var keyFlagNames = []string{
	"RO", "RW", "OW", "RM", "access", "update", "insert", "delete",
	"not_key", "incomplete", "variable_flags",
}

// Names lists the flags as COMMAND INFO shows them.
func (f KeyFlags) Names() []string {
	var names []string
	for i, n := range keyFlagNames {
		if f&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return names
}

// KeySpec tells where keys stand among the arguments, as Redis' key specs do:
// where the search begins, then how to find the keys from there.
type KeySpec struct {
	Flags KeyFlags
	Notes string

	Begin BeginSearch
	Find  FindKeys
}

// BeginSearch is the first half of a KeySpec. The zero value is "unknown": only
// the command's Extract knows.
type BeginSearch struct {
	Index   int    // argument index, >= 1; 0 with Keyword == "" is "unknown"
	Keyword string // the argument after this word
	From    int    // where to look for Keyword; negative counts from the end, and looks backwards
}

// FindKeys is the second half of a KeySpec. The zero value is "unknown".
type FindKeys struct {
	Kind FindKind
	// Range: the last key relative to the begin index (negative counts from the end
	// of the arguments), the step, and the divisor of what remains (0 = none).
	Last, Step, Limit int
	// Keynum: where the count stands, where the first key stands (both relative to
	// the begin index); Step is shared.
	NumIndex, First int
}

// FindKind selects how keys are found.
type FindKind uint8

// The kinds of FindKeys.
const (
	FindUnknown FindKind = iota
	FindRange
	FindKeyNum
)

// OneKey is the spec of a command whose only key is argument index.
func OneKey(index int, f KeyFlags) KeySpec {
	return KeyRange(index, 0, 1, f)
}

// KeyRange is the spec of keys from argument first on: last is relative to first,
// or counts from the end if negative (-1 = the last argument).
func KeyRange(first, last, step int, f KeyFlags) KeySpec {
	return KeySpec{Flags: f, Begin: BeginSearch{Index: first}, Find: FindKeys{Kind: FindRange, Last: last, Step: step}}
}

// KeyCount is the spec of keys after a count that stands at argument index.
func KeyCount(index int, f KeyFlags) KeySpec {
	return KeySpec{Flags: f, Begin: BeginSearch{Index: index}, Find: FindKeys{Kind: FindKeyNum, First: 1, Step: 1}}
}

// KeyAfter is the spec of one key that follows a keyword looked for from argument from on.
func KeyAfter(keyword string, from int, f KeyFlags) KeySpec {
	return KeySpec{Flags: f, Begin: BeginSearch{Keyword: keyword, From: from}, Find: FindKeys{Kind: FindRange, Step: 1}}
}

// KeyRef is one key found among the arguments.
type KeyRef struct {
	Pos   int // argument index
	Flags KeyFlags
}

// ErrBadKeys is returned when the arguments do not fit the key specs.
var ErrBadKeys = errors.New("ERR Invalid arguments specified for command")

// KeyRefs appends the positions of the keys of args, which holds the command's
// name first and fits its arity, to refs.
func (s *Spec) KeyRefs(args [][]byte, refs []KeyRef) ([]KeyRef, error) {
	if s.Extract != nil {
		return s.Extract(args, refs)
	}
	for i := range s.Keys {
		var err error
		if refs, err = s.Keys[i].refs(args, refs); err != nil {
			return refs, err
		}
	}
	return refs, nil
}

// refs appends the keys that k finds in args.
func (k *KeySpec) refs(args [][]byte, refs []KeyRef) ([]KeyRef, error) {
	begin := k.Begin.at(args)
	if begin <= 0 || begin >= len(args) {
		return refs, nil
	}
	first, last, step := begin, 0, k.Find.Step
	switch k.Find.Kind {
	case FindUnknown:
		return refs, nil
	case FindRange:
		last = begin + k.Find.Last
		if k.Find.Last < 0 {
			last = len(args) + k.Find.Last
			if k.Find.Limit > 1 {
				last = begin + (len(args)-begin)/k.Find.Limit + k.Find.Last
			}
		}
		if last >= len(args) {
			return refs, ErrBadKeys
		}
	case FindKeyNum:
		at := begin + k.Find.NumIndex
		if at >= len(args) {
			return refs, ErrBadKeys
		}
		n, err := strconv.Atoi(string(args[at]))
		if err != nil || n < 0 || n > len(args) {
			return refs, ErrBadKeys
		}
		first = begin + k.Find.First
		last = first + (n-1)*step
		if last >= len(args) {
			return refs, ErrBadKeys
		}
	}
	for p := first; p <= last; p += step {
		refs = append(refs, KeyRef{Pos: p, Flags: k.Flags})
	}
	return refs, nil
}

// at returns the argument index where the search begins, 0 if there is none.
func (b BeginSearch) at(args [][]byte) int {
	if b.Keyword == "" {
		return b.Index
	}
	if b.From >= 0 {
		for i := b.From; i < len(args)-1; i++ {
			if EqualFold(args[i], b.Keyword) {
				return i + 1
			}
		}
		return 0
	}
	for i := len(args) + b.From; i >= 1; i-- {
		if i < len(args)-1 && EqualFold(args[i], b.Keyword) {
			return i + 1
		}
	}
	return 0
}

// Legacy returns first key, last key and step as the old form of COMMAND reports
// them; all 0 if the command has no keys by index.
func (s *Spec) Legacy() (first, last, step int) {
	for _, k := range s.Keys {
		if k.Begin.Keyword != "" || k.Begin.Index == 0 || k.Find.Kind != FindRange {
			continue
		}
		l := k.Find.Last
		if l >= 0 {
			l += k.Begin.Index
		}
		if first == 0 {
			first, last, step = k.Begin.Index, l, k.Find.Step
			continue
		}
		// Redis merges specs that follow one another (RENAME's two keys).
		if last >= 0 && k.Begin.Index == last+step && k.Find.Step == step {
			last = l
		}
	}
	return first, last, step
}

// Movable reports whether the old form cannot name all keys.
func (s *Spec) Movable() bool {
	if s.Flags&MovableKeys != 0 {
		return true
	}
	for _, k := range s.Keys {
		if k.Begin.Keyword != "" || k.Begin.Index == 0 || k.Find.Kind != FindRange || k.Flags&KeyIncomplete != 0 {
			return true
		}
	}
	return false
}

// single returns the argument index of the command's only key, 0 if it can have
// another number of keys.
func (s *Spec) single() int {
	if s.Extract != nil || len(s.Keys) != 1 {
		return 0
	}
	k := s.Keys[0]
	if k.Begin.Keyword != "" || k.Find.Kind != FindRange || k.Find.Last != 0 {
		return 0
	}
	return k.Begin.Index
}

// check reports a key spec that cannot be right.
func (k *KeySpec) check(s *Spec) error {
	least := s.Arity
	if least < 0 {
		least = -least
	}
	switch {
	case k.Begin.Index < 0, k.Find.Limit < 0, k.Find.NumIndex < 0, k.Find.First < 0:
		return errors.New("a negative position in a key spec")
	case k.Find.Kind != FindUnknown && k.Find.Step < 1:
		return errors.New("a key spec without a step")
	case k.Begin.Keyword == "" && k.Begin.Index == 0 && s.Extract == nil:
		return errors.New("a key spec that begins nowhere, and no Extract")
	case k.Begin.Keyword == "" && k.Begin.Index >= least && k.Find.Last >= 0 && k.Find.Kind == FindRange:
		return errors.New("a key spec that begins behind the last argument")
	case k.Flags&(KeyRO|KeyRW|KeyOW|KeyRM|KeyNotKey) == 0:
		return errors.New("a key spec that says neither RO, RW, OW nor RM")
	}
	return nil
}

// EqualFold reports whether b is word, which must be lower or upper case ASCII
// letters and signs, in any case. As in Redis, where words are C strings, b ends at
// its first zero byte.
func EqualFold(b []byte, word string) bool {
	if len(b) != len(word) {
		if len(b) < len(word) || b[len(word)] != 0 {
			return false
		}
		b = b[:len(word)]
	}
	for i := range b {
		if lower[b[i]] != lower[word[i]] {
			return false
		}
	}
	return true
}

// lower folds ASCII letters.
var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if i >= 'A' && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}()
