package commands_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/resp"
)

var randomCommands = flag.Int("commands", 5000, "number of commands of each random test")

// dice makes choices: a random generator, or the bytes of a fuzzer.
type dice interface {
	// IntN returns a number of [0, n).
	IntN(n int) int
}

func pick[T any](d dice, from []T) T { return from[d.IntN(len(from))] }

// The keys, values and words that random commands are made of. Deadlines lie far before
// or far behind every clock, so that servers with different clocks agree.
var (
	someKeys   = []string{"a", "b", "c", "{t}1", "{t}2", "", "key:1", "key:2", "nokey"}
	someTexts  = []string{"", "x", "hello world", "\x00\xff", "mynewtext", "ohmytext", strings.Repeat("ab", 40), strings.Repeat("z", 44)}
	someInts   = []string{"0", "1", "-1", "2", "5", "10", "-7", "100", "9999", "10000", "9223372036854775807", "-9223372036854775808", "-9223372036854775807", "4611686018427387904"}
	badInts    = []string{"", "x", "1.5", " 1", "01", "-0", "+1", "9223372036854775808", "1e3"}
	someFloats = []string{"0.1", "1.5", "-2.25", "1e3", "3.0e-2", "1e17", "-1e17", "1e300", "0.00000000000000001", "123456789.123456789", "1e-20", "12345678901234567890", "inf", "-inf", "nan", ".5", "5.", "1e4932", "1e5000", "0x1p-3"}
	futures    = []string{"33177117420", "33177117421", "33177117999", "9223372036854775"}
	futuresMs  = []string{"33177117420123", "33177117420500", "33177117999001", "9223372036854775806"}
	pasts      = []string{"1", "1000"}
	badTimes   = []string{"0", "-1", "x", "", "1.5", "9223372036854775807", "-9223372036854775808"}
	somePats   = []string{"*", "a", "?", "[a-c]", "key:*", "{t}*", "{t}?", "*:[12]", "[^a]", "", "\\a", "**", "k*1", "[", "{t}1", "n[op]key"}
)

func someKey(d dice) string { return pick(d, someKeys) }

func someValue(d dice) string {
	switch d.IntN(6) {
	case 0, 1:
		return pick(d, someInts)
	case 2:
		return strconv.Itoa(d.IntN(20000) - 10000)
	case 3:
		return pick(d, someFloats)
	case 4:
		return pick(d, badInts)
	default:
		return pick(d, someTexts)
	}
}

func someInt(d dice) string {
	switch d.IntN(8) {
	case 0:
		return pick(d, badInts)
	case 1, 2:
		return pick(d, someInts)
	default:
		return strconv.Itoa(d.IntN(60) - 30)
	}
}

// sometimes appends words with a chance of one in n.
func sometimes(d dice, n int, args []string, words ...string) []string {
	if d.IntN(n) == 0 {
		return append(args, words...)
	}
	return args
}

// someExpiry appends an option of SET or GETEX about the deadline.
func someExpiry(d dice, args []string) []string {
	switch d.IntN(8) {
	case 0:
		return append(args, pick(d, []string{"EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST"}))
	case 1:
		return append(args, pick(d, []string{"EX", "PX", "EXAT", "PXAT"}), pick(d, badTimes))
	case 2:
		return append(args, "EXAT", pick(d, pasts))
	case 3:
		return append(args, "PXAT", pick(d, pasts))
	case 4, 5:
		return append(args, "PXAT", pick(d, futuresMs))
	default:
		return append(args, "EXAT", pick(d, futures))
	}
}

// The words of bitmap commands.
var (
	fieldTypes   = []string{"u8", "i8", "u1", "i1", "i64", "u63", "i5", "u13", "i33", "i16"}
	badTypes     = []string{"u64", "i65", "u0", "x8", "", "u", "i-1", "U8", "i8\x00x", "u08"}
	fieldOffsets = []string{"0", "1", "7", "8", "63", "100", "#0", "#1", "#3", "#40", "1000"}
	badOffsets   = []string{"-1", "x", "", "#", "#-1", "#x", "4294967296", "#9223372036854775807", "#2305843009213693952", "##1"}
	bitUnits     = []string{"BIT", "BYTE", "bit", "Byte", "BITS", ""}
)

// someRange appends the range of BITCOUNT or BITPOS, or a part of it.
func someRange(d dice, args []string) []string {
	rng := []string{someInt(d), someInt(d), pick(d, bitUnits)}
	return append(args, rng[:d.IntN(4)]...)
}

// someField appends an operation of BITFIELD.
func someField(d dice, args []string) []string {
	typ, offset := pick(d, fieldTypes), pick(d, fieldOffsets)
	if d.IntN(30) == 0 {
		typ = pick(d, badTypes)
	}
	if d.IntN(30) == 0 {
		offset = pick(d, badOffsets)
	}
	switch d.IntN(4) {
	case 0:
		return append(args, pick(d, []string{"GET", "get"}), typ, offset)
	case 1:
		args = append(args, "OVERFLOW", pick(d, []string{"WRAP", "SAT", "FAIL", "sat", "fail"}))
	}
	value := strconv.Itoa(d.IntN(600) - 300)
	if d.IntN(4) == 0 {
		value = someInt(d)
	}
	return append(args, pick(d, []string{"SET", "INCRBY", "incrby"}), typ, offset, value)
}

// makers make the arguments of one kind of command each.
var makers = []func(d dice) []string{
	func(d dice) []string { return []string{"GET", someKey(d)} },
	func(d dice) []string { return []string{"STRLEN", someKey(d)} },
	func(d dice) []string {
		return []string{pick(d, []string{"GETRANGE", "SUBSTR"}), someKey(d), someInt(d), someInt(d)}
	},
	func(d dice) []string { return []string{"MGET", someKey(d), someKey(d), someKey(d)} },
	func(d dice) []string { return []string{"SET", someKey(d), someValue(d)} },
	func(d dice) []string { return []string{"set", someKey(d), someValue(d)} },
	func(d dice) []string {
		args := []string{"SET", someKey(d), someValue(d)}
		args = sometimes(d, 3, args, pick(d, []string{"NX", "XX", "nx", "Xx"}))
		args = sometimes(d, 3, args, "GET")
		if d.IntN(2) == 0 {
			args = someExpiry(d, args)
		}
		args = sometimes(d, 5, args, "KEEPTTL")
		return sometimes(d, 20, args, pick(d, []string{"XX", "NX", "GET", "FOO"}))
	},
	func(d dice) []string { return []string{"SETNX", someKey(d), someValue(d)} },
	func(d dice) []string {
		return []string{pick(d, []string{"SETEX", "PSETEX"}), someKey(d), pick(d, badTimes), someValue(d)}
	},
	func(d dice) []string { return []string{"GETSET", someKey(d), someValue(d)} },
	func(d dice) []string { return []string{"GETDEL", someKey(d)} },
	func(d dice) []string {
		args := []string{"GETEX", someKey(d)}
		args = sometimes(d, 4, args, "PERSIST")
		if d.IntN(2) == 0 {
			args = someExpiry(d, args)
		}
		return args
	},
	func(d dice) []string {
		args := []string{pick(d, []string{"MSET", "MSETNX"})}
		for range 1 + d.IntN(3) {
			args = append(args, someKey(d), someValue(d))
		}
		return sometimes(d, 15, args, "odd")
	},
	func(d dice) []string { return []string{"APPEND", someKey(d), someValue(d)} },
	func(d dice) []string { return []string{"SETRANGE", someKey(d), someInt(d), someValue(d)} },
	func(d dice) []string { return []string{"GETBIT", someKey(d), someInt(d)} },
	func(d dice) []string {
		return []string{"SETBIT", someKey(d), someInt(d), pick(d, []string{"0", "1", "1", "2", "01"})}
	},
	func(d dice) []string { return someRange(d, []string{"BITCOUNT", someKey(d)}) },
	func(d dice) []string {
		return someRange(d, []string{"BITPOS", someKey(d), pick(d, []string{"0", "1", "0", "1", "2", "x"})})
	},
	func(d dice) []string {
		args := []string{"BITOP", pick(d, []string{"AND", "OR", "XOR", "NOT", "or", "foo"})}
		for range 2 + d.IntN(4)*d.IntN(2) {
			args = append(args, someKey(d))
		}
		return args
	},
	func(d dice) []string {
		args := []string{"BITFIELD", someKey(d)}
		for range d.IntN(5) {
			args = someField(d, args)
		}
		return sometimes(d, 40, args, pick(d, []string{"OVERFLOW", "FOO", "GET"}))
	},
	func(d dice) []string {
		args := []string{"BITFIELD_RO", someKey(d)}
		for range d.IntN(3) {
			args = append(args, "GET", pick(d, fieldTypes), pick(d, fieldOffsets))
		}
		return sometimes(d, 10, args, "SET", "u8", "0", "1")
	},
	func(d dice) []string { return []string{pick(d, []string{"INCR", "DECR"}), someKey(d)} },
	func(d dice) []string { return []string{pick(d, []string{"INCRBY", "DECRBY"}), someKey(d), someInt(d)} },
	func(d dice) []string { return []string{"INCRBYFLOAT", someKey(d), someValue(d)} },
	func(d dice) []string { return []string{"INCRBYFLOAT", someKey(d), pick(d, someFloats)} },
	func(d dice) []string {
		args := []string{"LCS", someKey(d), someKey(d)}
		args = sometimes(d, 2, args, "IDX")
		args = sometimes(d, 4, args, "LEN")
		args = sometimes(d, 3, args, "WITHMATCHLEN")
		return sometimes(d, 4, args, "MINMATCHLEN", someInt(d))
	},
	func(d dice) []string {
		args := []string{pick(d, []string{"DEL", "UNLINK", "EXISTS", "TOUCH"})}
		for range 1 + d.IntN(3) {
			args = append(args, someKey(d))
		}
		return args
	},
	func(d dice) []string {
		return []string{pick(d, []string{"TYPE", "TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME", "PERSIST"}), someKey(d)}
	},
	func(d dice) []string {
		var args []string
		switch d.IntN(4) {
		case 0:
			args = []string{pick(d, []string{"EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"}), someKey(d), pick(d, badTimes)}
		case 1:
			args = []string{pick(d, []string{"EXPIREAT", "PEXPIREAT"}), someKey(d), pick(d, pasts)}
		case 2:
			args = []string{"PEXPIREAT", someKey(d), pick(d, futuresMs)}
		default:
			args = []string{"EXPIREAT", someKey(d), pick(d, futures)}
		}
		args = sometimes(d, 2, args, pick(d, []string{"NX", "XX", "GT", "LT", "gt"}))
		return sometimes(d, 10, args, pick(d, []string{"NX", "XX", "GT", "LT", "FOO"}))
	},
	func(d dice) []string {
		return []string{pick(d, []string{"RENAME", "RENAMENX"}), someKey(d), someKey(d)}
	},
	func(d dice) []string {
		args := []string{"COPY", someKey(d), someKey(d)}
		args = sometimes(d, 3, args, "DB", pick(d, []string{"0", "1", "2", "16", "-1", "x"}))
		return sometimes(d, 3, args, "REPLACE")
	},
	func(d dice) []string {
		return []string{"MOVE", someKey(d), pick(d, []string{"0", "1", "2", "16", "-1", "x", "2147483648"})}
	},
	func(d dice) []string { return []string{"KEYS", pick(d, somePats)} },
	func(d dice) []string {
		args := []string{"SCAN", "0", "COUNT", "100000"}
		args = sometimes(d, 2, args, "MATCH", pick(d, somePats))
		args = sometimes(d, 5, args, "TYPE", pick(d, []string{"string", "STRING", "list", "foo"}))
		return sometimes(d, 20, args, pick(d, []string{"COUNT", "FOO", "TYPE"}))
	},
	func(d dice) []string {
		return []string{"OBJECT", pick(d, []string{"ENCODING", "FREQ", "FOO"}), someKey(d)}
	},
	func(d dice) []string { return []string{"SELECT", pick(d, []string{"0", "0", "1", "2"})} },
}

// rareMakers make commands that empty or exchange databases.
var rareMakers = []func(d dice) []string{
	func(d dice) []string {
		return sometimes(d, 3, []string{pick(d, []string{"FLUSHDB", "FLUSHALL"})}, pick(d, []string{"SYNC", "async", "FOO"}))
	},
	func(d dice) []string {
		return []string{"SWAPDB", pick(d, []string{"0", "1", "2", "16", "x"}), pick(d, []string{"0", "1", "2", "-1"})}
	},
}

// someCommand makes a random command.
func someCommand(d dice) []string {
	if d.IntN(200) == 0 {
		return pick(d, rareMakers)(d)
	}
	args := pick(d, makers)(d)
	if args[0] != "SELECT" && args[0] != "SCAN" && d.IntN(100) == 0 { // an arity that may be wrong
		if d.IntN(2) == 0 && len(args) > 1 {
			args = args[:len(args)-1]
		} else {
			args = append(args, someValue(d))
		}
	}
	return args
}

// walks are the commands whose replies have no order.
var walks = []string{"KEYS", "SCAN"}

// clocks are the commands whose replies depend on the clock.
var clocks = []string{"TTL", "PTTL"}

// showFor is show without what may differ between two servers: the order of walks, times left.
func showFor(args []string, v resp.Value) string {
	switch {
	case slices.Contains(walks, args[0]):
		return showSorted(v)
	case slices.Contains(clocks, args[0]) && v.Int > 0:
		return "positive"
	}
	return show(v)
}

// state lists all that can be seen of the keys of a server.
func state(s server) string {
	var b strings.Builder
	for db := range 3 {
		s.do("SELECT", strconv.Itoa(db))
		reply := s.do("KEYS", "*")
		keys := strs(reply)
		slices.Sort(keys)
		for _, k := range keys {
			fmt.Fprintf(&b, "%d %q", db, k)
			for _, cmd := range [][]string{{"TYPE", k}, {"GET", k}, {"OBJECT", "ENCODING", k}, {"PEXPIRETIME", k}} {
				b.WriteString(" " + show(s.do(cmd...)))
			}
			b.WriteByte('\n')
		}
	}
	s.do("SELECT", "0")
	return b.String()
}

// TestRandomAgainstRedis gives the same random commands to the commands in process and to
// redis-server: same replies, same state in the end.
func TestRandomAgainstRedis(t *testing.T) {
	theirs := newRemote(t)
	theirs.do("DEBUG", "SET-ACTIVE-EXPIRE", "0")
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			theirs.t = t
			theirs.do("FLUSHALL")
			theirs.do("SELECT", "0")
			ours := newLocal(t, nil)
			rng := rand.New(rand.NewPCG(seed, 7))
			var recent []string
			for range *randomCommands {
				args := someCommand(rng)
				got, want := showFor(args, ours.do(args...)), showFor(args, theirs.do(args...))
				recent = append(recent, fmt.Sprintf("%q\n  %s", args, want))
				if got != want {
					recent = recent[max(0, len(recent)-8):]
					t.Fatalf("%s\nwe answer\n  %s", strings.Join(recent, "\n"), got)
				}
			}
			if got, want := state(ours), state(theirs); got != want {
				t.Errorf("we have\n%s\nRedis has\n%s", got, want)
			}
		})
	}
}

// TestRandomFloatsAgainstRedis adds random numbers of all sizes and spellings.
func TestRandomFloatsAgainstRedis(t *testing.T) {
	theirs := newRemote(t)
	ours := newLocal(t, nil)
	rng := rand.New(rand.NewPCG(5, 5))
	number := func() string {
		switch rng.IntN(7) {
		case 0:
			return strconv.FormatFloat(rng.NormFloat64(), 'f', rng.IntN(20), 64)
		case 1:
			return strconv.FormatFloat(rng.NormFloat64(), 'e', rng.IntN(20), 64) + strconv.Itoa(rng.IntN(10))
		case 2:
			return strconv.FormatInt(rng.Int64()-rng.Int64(), 10)
		case 3:
			return fmt.Sprintf("%d.%019d", rng.IntN(1000000)-500000, rng.Uint64()/2)
		case 4:
			return fmt.Sprintf("0.%0*d", 17+rng.IntN(4), rng.IntN(100))
		case 5:
			return fmt.Sprintf("%d%de-%d", rng.Uint64(), rng.Uint64(), rng.IntN(60))
		default:
			return fmt.Sprintf("0x%x.%xp%d", rng.Uint64(), rng.Uint32(), rng.IntN(40)-60)
		}
	}
	for range *randomCommands {
		if rng.IntN(3) == 0 {
			n := number()
			ours.do("SET", "f", n)
			theirs.do("SET", "f", n)
		}
		args := []string{"INCRBYFLOAT", "f", number()}
		if got, want := show(ours.do(args...)), show(theirs.do(args...)); got != want {
			t.Fatalf("%q: we answer %s, Redis %s", args, got, want)
		}
	}
}

// TestRandomPatternsAgainstRedis matches random patterns with random keys.
func TestRandomPatternsAgainstRedis(t *testing.T) {
	theirs := newRemote(t)
	ours := newLocal(t, nil)
	rng := rand.New(rand.NewPCG(6, 6))
	text := func(letters string, most int) string {
		b := make([]byte, rng.IntN(most))
		for i := range b {
			b[i] = letters[rng.IntN(len(letters))]
		}
		return string(b)
	}
	for range 60 {
		key := text("abc-]^[\\*?{}\xff\x80", 8)
		ours.do("SET", key, "v")
		theirs.do("SET", key, "v")
	}
	for range *randomCommands / 4 {
		pattern := text("aabbcc-]^[[\\**?{}\xff\x80", 12)
		got, want := showSorted(ours.do("KEYS", pattern)), showSorted(theirs.do("KEYS", pattern))
		if got != want {
			t.Fatalf("KEYS %q: we answer %s, Redis %s", pattern, got, want)
		}
	}
}
