package bus

import "fmt"

// argTypesOf are the exceptions from typeOf: command and argument.
var argTypesOf = map[string]ArgType{
	"incrbyfloat increment": ArgDouble,
	"setbit value":          ArgInteger,
	"bitfield value":        ArgInteger,
	"client|pause timeout":  ArgInteger,
	"wait timeout":          ArgInteger,
}

// Arguments derives the command's arguments from its Usage, its Args and its key specs. The error
// is that of ParseUsage, or names an ArgNote of no argument.
func (s *Spec) Arguments() ([]Arg, error) {
	args, err := ParseUsage(s.Usage)
	if err != nil {
		return nil, err
	}
	m := keyMarker{s: s, at: 1}
	for _, ch := range s.FullName() {
		if ch == '|' {
			m.at++
		}
	}
	m.mark(args)
	for i := range s.Args {
		if !s.Args[i].annotate(args) {
			return nil, fmt.Errorf("usage %q: there is no argument %s", s.Usage, s.Args[i].Arg)
		}
	}
	return args, nil
}

// keyMarker finds out which arguments are keys, as far as their place tells.
type keyMarker struct {
	s  *Spec
	at int // position of the next argument, 0 when it is not known any more
}

// mark walks over arguments that follow one another.
func (m *keyMarker) mark(args []Arg) {
	for i := range args {
		a := &args[i]
		if t, ok := argTypesOf[m.s.FullName()+" "+a.Name]; ok {
			a.Type = t
		}
		if a.Optional {
			m.at = 0
		}
		if a.Token != "" {
			m.keyword(a)
			m.skip(1)
		}
		switch {
		case a.Type == ArgOneOf:
			for j := range a.Args {
				(&keyMarker{s: m.s}).mark(a.Args[j : j+1])
			}
			m.at = 0
		case a.Type == ArgBlock:
			m.mark(a.Args)
		case a.Type != ArgToken:
			m.place(a)
			m.skip(1)
		}
		if a.Multiple {
			m.at = 0
		}
	}
}

func (m *keyMarker) skip(n int) {
	if m.at > 0 {
		m.at += n
	}
}

// keyword marks an argument whose token a key spec looks for.
func (m *keyMarker) keyword(a *Arg) {
	for i, k := range m.s.Keys {
		if k.Begin.Keyword == "" || !EqualFold([]byte(a.Token), k.Begin.Keyword) {
			continue
		}
		for a.Type == ArgBlock {
			a = &a.Args[0]
		}
		a.Type, a.KeySpec = ArgKey, i
		return
	}
}

// place marks an argument that stands where a key spec finds keys.
func (m *keyMarker) place(a *Arg) {
	if m.at == 0 {
		return
	}
	for i, k := range m.s.Keys {
		if k.Begin.Keyword != "" || k.Begin.Index == 0 || k.Flags&KeyNotKey != 0 {
			continue
		}
		first, last, step := k.Begin.Index, k.Begin.Index+k.Find.Last, k.Find.Step
		switch k.Find.Kind {
		case FindUnknown:
			continue
		case FindKeyNum:
			first += k.Find.First
			last = first
		case FindRange:
			if k.Find.Last < 0 {
				last = m.at
			}
		}
		if m.at >= first && m.at <= last && (m.at-first)%max(1, step) == 0 {
			a.Type, a.KeySpec = ArgKey, i
			return
		}
	}
}
