package bus

import (
	"errors"
	"fmt"
	"strings"
)

// Arg is one argument of a command, as COMMAND DOCS describes it.
type Arg struct {
	Name string
	Type ArgType
	// Token is the word that stands before the argument, or is the argument if its type
	// is ArgToken.
	Token string
	// Optional: the argument can be left out. Multiple: it can be repeated, with
	// MultipleToken together with its token.
	Optional, Multiple, MultipleToken bool
	// Args are the parts of a block, the choices of a oneof.
	Args []Arg
	// Since and Deprecated are versions, "" where they are those of the command, or none.
	Since, Deprecated string
	// KeySpec is the index of the key spec that finds the argument, -1 if it is no key.
	KeySpec int
}

// ArgType is the type of an argument.
type ArgType uint8

// The types of arguments.
const (
	ArgString ArgType = iota
	ArgInteger
	ArgDouble
	ArgKey
	ArgPattern
	ArgUnixTime
	ArgToken
	ArgOneOf
	ArgBlock
)

var argTypeNames = [...]string{
	"string", "integer", "double", "key", "pattern", "unix-time", "pure-token", "oneof", "block",
}

// String is the name in COMMAND DOCS.
func (t ArgType) String() string { return argTypeNames[t] }

// ArgNote adds to COMMAND DOCS what a Usage does not tell.
type ArgNote struct {
	// Arg is the argument's name as Usage gives it; that of a choice or a block is its parts' names joined with "_".
	Arg string
	// Name is another name for it, "" to keep it.
	Name string
	// Since and Deprecated are the versions that brought the argument and that advised against it.
	Since, Deprecated string
}

// annotate applies n to the argument that it names, and reports whether there is one.
func (n *ArgNote) annotate(args []Arg) (found bool) {
	for i := range args {
		a := &args[i]
		if n.annotate(a.Args) {
			found = true
		}
		if a.Name != n.Arg {
			continue
		}
		found = true
		a.Since, a.Deprecated = n.Since, n.Deprecated
		if n.Name != "" {
			a.Name = n.Name
		}
	}
	return found
}

// ParseUsage reads the notation of a Spec's Usage:
//
//	key value          values, in lower case
//	NX                 tokens, without lower case letters
//	EX seconds         a token before the value, or before all values up to the next token
//	[...]              optional
//	<a | b>            a choice; inside of [] the <> can be left out
//	x y [x y ...]      what stands before, once or more; [...] alone repeats the last argument
//
// Types are derived from names; which arguments are keys, ParseUsage does not know.
func ParseUsage(usage string) ([]Arg, error) {
	if len(usage) > maxUsage {
		return nil, fmt.Errorf("usage: longer than %d bytes", maxUsage)
	}
	p := usageParser{words: usageWords(usage)}
	choices, err := p.choices("")
	if err != nil {
		return nil, fmt.Errorf("usage %q: %w", usage, err)
	}
	if len(choices) > 1 {
		return []Arg{oneOf(choices)}, nil
	}
	return choices[0], nil
}

// usageWords splits a usage: brackets and bars are words of their own.
func usageWords(usage string) []string {
	var b strings.Builder
	for _, ch := range usage {
		if strings.ContainsRune("[]<>|", ch) {
			b.WriteByte(' ')
			b.WriteRune(ch)
			b.WriteByte(' ')
		} else {
			b.WriteRune(ch)
		}
	}
	return strings.Fields(b.String())
}

// usageParser reads words from left to right.
type usageParser struct {
	words []string
	at    int
	depth int // open brackets
}

// The bounds of a usage: bytes, and how deep brackets nest.
const (
	maxUsage      = 4096
	maxUsageDepth = 16
)

// closers are the ends of brackets.
var closers = map[string]string{"[": "]", "<": ">"}

var errUsageEnd = errors.New("a bracket is not closed")

// choices reads alternatives up to the word end, which it consumes; "" is the end of
// the usage.
func (p *usageParser) choices(end string) ([][]Arg, error) {
	if p.depth++; p.depth > maxUsageDepth {
		return nil, errors.New("brackets nest too deep")
	}
	defer func() { p.depth-- }()
	list := [][]Arg{nil}
	for {
		if p.at == len(p.words) {
			if end != "" {
				return nil, errUsageEnd
			}
			break
		}
		w := p.words[p.at]
		p.at++
		if w == end {
			break
		}
		if w == "|" {
			list = append(list, nil)
			continue
		}
		last := &list[len(list)-1]
		if err := p.word(w, last); err != nil {
			return nil, err
		}
	}
	for i, seq := range list {
		if len(seq) == 0 && (end != "" || len(list) > 1) {
			return nil, errors.New("nothing between brackets or bars")
		}
		list[i] = joinTokens(seq)
	}
	return list, nil
}

// word adds the argument that begins with w, which is consumed, to seq.
func (p *usageParser) word(w string, seq *[]Arg) error {
	switch w {
	case "[":
		if n, repeat := p.repetition(*seq); repeat {
			return repeatLast(seq, n)
		}
		fallthrough
	case "<":
		list, err := p.choices(closers[w])
		if err != nil {
			return err
		}
		a := bracket(list)
		if w == "[" {
			a.Optional = true
		}
		*seq = append(*seq, a)
		return nil
	case "]", ">":
		return fmt.Errorf("an unexpected %q", w)
	case "...":
		return errors.New("\"...\" without brackets")
	}
	*seq = append(*seq, leaf(w))
	return nil
}

// repetition reports whether the bracket just opened is "[... ]" or "[x y ...]", and
// consumes it; n is the number of words that it repeats, 1 for the last argument.
func (p *usageParser) repetition(seq []Arg) (n int, ok bool) {
	i := p.at
	for i < len(p.words) && !strings.Contains("[]<>|...", p.words[i]) {
		i++
	}
	if i+1 >= len(p.words) || p.words[i] != "..." || p.words[i+1] != "]" || len(seq) == 0 {
		return 0, false
	}
	words := p.words[p.at:i]
	if len(words) == 0 {
		n = 1
	} else if n = len(words); n > len(seq) {
		return 0, false
	} else {
		for j, a := range seq[len(seq)-n:] {
			if a.Name != words[j] && a.Token != words[j] {
				return 0, false
			}
		}
	}
	p.at = i + 2
	return n, true
}

// repeatLast makes one argument of the last n and marks it as multiple.
func repeatLast(seq *[]Arg, n int) error {
	at := len(*seq) - n
	part := joinTokens((*seq)[at:])
	a := part[0]
	if len(part) > 1 {
		a = block(part)
	}
	a.Multiple = true
	a.MultipleToken = a.Token != "" && a.Type != ArgToken
	*seq = append((*seq)[:at], a)
	return nil
}

// joinTokens joins a token with the values that follow it, up to the next token or the
// next optional or repeated group that begins with one.
func joinTokens(seq []Arg) []Arg {
	var out []Arg
	for i := 0; i < len(seq); i++ {
		a := seq[i]
		if a.Type != ArgToken || a.Optional || a.Multiple {
			out = append(out, a)
			continue
		}
		j := i + 1
		for j < len(seq) && seq[j].Type != ArgToken && seq[j].Token == "" {
			j++
		}
		if values := seq[i+1 : j]; len(values) == 0 {
			out = append(out, a)
		} else {
			v := values[0]
			if len(values) > 1 || v.Optional {
				v = block(values)
			}
			v.Token = a.Token
			out = append(out, v)
		}
		i = j - 1
	}
	return out
}

// bracket makes one argument of what stands between brackets.
func bracket(list [][]Arg) Arg {
	if len(list) > 1 {
		return oneOf(list)
	}
	if len(list[0]) == 1 {
		return list[0][0]
	}
	return block(list[0])
}

// oneOf makes a choice.
func oneOf(list [][]Arg) Arg {
	a := Arg{Type: ArgOneOf, KeySpec: -1}
	for _, seq := range list {
		choice := seq[0]
		if len(seq) > 1 {
			choice = block(seq)
		}
		a.Args = append(a.Args, choice)
	}
	a.Name = joinNames(a.Args)
	return a
}

// block makes one argument of several.
func block(args []Arg) Arg {
	return Arg{Name: joinNames(args), Type: ArgBlock, KeySpec: -1, Args: append([]Arg(nil), args...)}
}

// joinNames names a group after its parts.
func joinNames(args []Arg) string {
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = a.Name
	}
	return strings.Join(names, "_")
}

// leaf makes an argument of a word.
func leaf(w string) Arg {
	if w == strings.ToUpper(w) {
		return Arg{Name: strings.ToLower(w), Token: w, Type: ArgToken, KeySpec: -1}
	}
	return Arg{Name: w, Type: typeOf(w), KeySpec: -1}
}
