package main

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// differTemplates are the commands of the differential test. Words in lower case are classes of arguments
// (differWords), others stand for themselves; a|b is one of them, [...] is there or not, (...)+ once to
// three times. Whether one relative deadline is later than another is up to the clock, so GT and LT stand with absolute ones.
var differTemplates = []string{
	// strings
	"GET key", "GETDEL key", "GETEX key [EX ttl|PX ttlms|EXAT future|PXAT futurems|PERSIST]", "GETSET key value", "STRLEN key",
	"SET key value", "SET key value [NX|XX] [GET] [EX ttl|PX ttlms|EXAT future|PXAT futurems|KEEPTTL]", "SET key value [KEEPTTL] [GET] [XX]",
	"SETNX key value", "SETEX key ttl value", "PSETEX key ttlms value", "APPEND key value", "MGET (key)+", "MSET (key value)+",
	"MSETNX (key value)+", "SETRANGE key offset value", "GETRANGE|SUBSTR key int int", "INCR|DECR key", "INCRBY|DECRBY key int",
	"INCRBYFLOAT key float", "LCS key key [LEN] [IDX] [MINMATCHLEN int] [WITHMATCHLEN]",
	// bitmaps
	"SETBIT key bit int", "SETBIT key bit 0|1", "GETBIT key bit", "BITCOUNT key", "BITCOUNT key int int [BIT|BYTE]",
	"BITPOS key 0|1 [int]", "BITPOS key 0|1 int int [BIT|BYTE]", "BITOP AND|OR|XOR|NOT key key", "BITOP AND|OR|XOR key (key)+", "BITOP NOT key (key)+",
	"BITFIELD key (GET type field)+", "BITFIELD key (SET type field int)+", "BITFIELD key (INCRBY type field int)+ [OVERFLOW WRAP|SAT|FAIL]",
	"BITFIELD key [OVERFLOW WRAP|SAT|FAIL] (INCRBY type field int)+ (GET type field)+", "BITFIELD_RO key (GET type field)+", "BITFIELD_RO key [SET type field int]",
	// keys
	"DEL|UNLINK|EXISTS|TOUCH (key)+", "TYPE|TTL|PTTL|EXPIRETIME|PEXPIRETIME|PERSIST key", "EXPIRE key ttl [NX|XX]",
	"PEXPIRE key ttlms [NX|XX]", "EXPIREAT key at [NX|XX|GT|LT] [NX|XX|GT|LT]", "PEXPIREAT key atms [NX|XX|GT|LT]",
	"RENAME|RENAMENX key key", "COPY key key [DB db] [REPLACE]", "MOVE key db", "KEYS pattern", "RANDOMKEY", "DBSIZE",
	"SCAN 0 COUNT 100000 [MATCH pattern] [TYPE string|list|STRING|hash]", "SCAN cursor [COUNT int] [MATCH pattern]",
	"OBJECT ENCODING|REFCOUNT|IDLETIME|FREQ|HELP key", "OBJECT ENCODING key", "OBJECT HELP", "SELECT db", "SWAPDB db db",
	"FLUSHDB|FLUSHALL [SYNC|ASYNC]", "WAIT 0 int", "WAIT int",
	// transactions
	"MULTI", "MULTI", "EXEC", "EXEC", "EXEC", "DISCARD", "WATCH (key)+", "UNWATCH",
	// connections and the server
	"PING [value]", "ECHO value", "HELLO [2|3|4|1|int] [SETNAME name]", "HELLO 2|3 [AUTH name value] [SETNAME name]", "AUTH value", "AUTH name value", "RESET",
	"CLIENT GETNAME|ID|HELP|UNPAUSE", "CLIENT SETNAME name", "CLIENT NO-EVICT ON|OFF|int", "CLIENT KILL 1.2.3.4:5", "CLIENT KILL ID badint", "CLIENT KILL TYPE|ADDR|LADDR|NOPE odd", "CLIENT KILL SKIPME nope",
	"CLIENT LIST TYPE|ID|NOPE name", "CLIENT PAUSE badint [WRITE|ALL|NOPE]", "CLIENT REPLY NOPE", "CLIENT UNBLOCK int [TIMEOUT|ERROR|NOPE]", "CLIENT NOPE", "CLIENT CACHING YES|NO|NOPE", "CLIENT TRACKINGINFO|GETREDIR", "CLIENT TRACKING OFF|NOPE [REDIRECT badint] [PREFIX name] [BCAST|OPTIN|OPTOUT|NOLOOP]",
	"PUBLISH|SPUBLISH name value", "PUBSUB CHANNELS|SHARDCHANNELS [pattern]", "PUBSUB NUMSUB|SHARDNUMSUB [(name)+]", "PUBSUB NUMPAT|HELP|NOPE",
	"COMMAND GETKEYS|GETKEYSANDFLAGS command", "COMMAND LIST FILTERBY NOPE|MODULE name", "COMMAND HELP", "COMMAND INFO nope",
	"CONFIG GET setting|nope", "CONFIG SET setting odd", "CONFIG SET proto-max-bulk-len 1mb|1100000|2mb", "CONFIG SET nope 1 [setting odd]", "CONFIG SET setting", "CONFIG RESETSTAT|HELP|NOPE",
	"DEBUG DIGEST", "DEBUG DIGEST-VALUE (key)+", "DEBUG ERROR name", "DEBUG SET-ACTIVE-EXPIRE 1", "DEBUG NOPE", "DEBUG OBJECT nope",
	"LATENCY HISTORY|RESET|GRAPH name", "LATENCY LATEST|HELP|NOPE", "SLOWLOG GET|LEN|RESET|HELP|NOPE [int]", "MEMORY USAGE key [SAMPLES int]", "MEMORY DOCTOR|HELP|NOPE|PURGE",
	"FUNCTION FLUSH [SYNC|ASYNC|NOPE]", "LOLWUT VERSION badint", "LASTSAVE|TIME odd", "INFO nope", "INFO commandstats nope", "SHUTDOWN NOPE", "BGSAVE NOPE", "SAVE|BGREWRITEAOF|MONITOR odd",
	"SUBSCRIBE|PSUBSCRIBE|SSUBSCRIBE", "NOPE (value)+", "nope",
}

// differUnused are commands that no template has, with the reason.
var differUnused = map[string]string{
	"client|info": "all about connections differs", "client|setinfo": "Redis 7.0 has none", "client|no-touch": "Redis 7.0 has none",
	"command|count": "Redis has more", "command|docs": "the prose is our own",
	"memory|stats": "figures", "memory|malloc-stats": "figures", "config|rewrite": "there is no file", "quit": "it takes any arguments and closes", "config|unset": "Redis has none", "config|reload": "Redis has none", "config|origin": "Redis has none", "latency|doctor": "our own words", "latency|histogram": "figures",
	"unsubscribe": "several replies", "punsubscribe": "several replies", "sunsubscribe": "several replies", "function|help": "scripting is not there yet",
}

// differWords are the classes of arguments.
var differWords = map[string][]string{
	"key":      {"a", "b", "c", "{t}1", "{t}2", "", "key:1", "\x00", "a\x00b", "\xff\r\n", strings.Repeat("long", 40)},
	"value":    {"", "x", "0", "1", "-1", "10", "12345", "9223372036854775807", "1.5", "hello world", "\x00\xff", "mynewtext", "ohmytext", strings.Repeat("ab", 22), strings.Repeat("z", 45), "1e3", "inf", "inf\x00", " 1", "3.0"},
	"int":      {"0", "1", "2", "3", "-1", "-2", "7", "8", "-7", "100", "9999", "10000", "9223372036854775807", "-9223372036854775808", "4294967295", "-4294967296"},
	"badint":   {"", "x", "1.5", "-1", " 1", "99999999999999999999", "1\x00", "-9223372036854775809"},
	"offset":   {"1048570", "1099990", "2097150", "0", "1", "5", "44", "100", "536870912", "536870911", "-1", "9223372036854775807", "1048575", "1048576"},
	"bit":      {"0", "1", "7", "8", "63", "100", "1000", "4294967296", "4294967295", "-1", "8388607", "8388608"},
	"float":    {"0.1", "1.5", "-2.25", "1e3", "3.0e-2", "1e17", "1e300", "0", "-0", "inf", "-inf", "nan", ".5", "5.", "1e4932", "1e5000", "0x1p-3", "1e-400", "1.5\x00", "infinity", "+1"},
	"ttl":      {"1000000", "1500000", "0", "-1", "9223372036854775807", "9223372036854775", "-9223372036854775808", "1000001"},
	"ttlms":    {"1000000000", "1500000000", "0", "-1", "9223372036854775807", "-9223372036854775808"},
	"at":       {"33177117420", "33177117421", "9223372036854775", "1", "0", "-1", "9223372036854775807"},
	"atms":     {"33177117420123", "33177117420500", "9223372036854775806", "9223372036854775807", "1", "0", "-1"},
	"future":   {"33177117420", "33177117421", "9223372036854775", "0", "-1", "9223372036854775807"},
	"futurems": {"33177117420123", "33177117420500", "9223372036854775806", "9223372036854775807", "0", "-1"},
	"db":       {"0", "0", "0", "1", "2", "15", "16", "-1", "9223372036854775807", "2147483648"},
	"pattern":  {"*", "a", "?", "[a-c]", "key:*", "{t}*", "[^a]", "", "\\a", "**", "k*1", "[", "a\x00*", "*\x00*", "[z-", "h?llo*"},
	"cursor":   {"0", "x", "-1", "18446744073709551615", "18446744073709551616", "01", " 0", "1x", ""},
	"type":     {"u8", "i8", "u1", "i64", "u63", "i5", "u13", "i16", "u64", "i65", "u0", "x8", "", "u", "U8", "i8\x00x", "u08"},
	"field":    {"0", "1", "7", "63", "100", "#0", "#3", "-1", "#", "#-1", "4294967296", "#9223372036854775807", "x", "8388608"},
	"name":     {"x", "", "default", "a b", "a\nb", "name\x00", "normal", "pubsub", "{t}1", "yes", "\xff", "slave", "replica", "master"},
	"odd":      {"", "x", "-1", "nope", "99999999999999999999", "1.5", "yes", "-99999999999999999999"},
	"setting":  {"maxmemory-policy", "slowlog-max-len", "hz", "proto-max-bulk-len", "maxmemory-samples", "notify-keyspace-events", "list-max-ziplist-size", "client-output-buffer-limit", "databases"},
	"command":  {"GET a", "SET a b GET", "SET a b", "MSET a 1 b 2", "MSET a 1 b", "BITFIELD a GET u8 0", "BITFIELD a SET u8 0 1", "COPY a b DB 1", "PING", "NOPE", "GET", "OBJECT ENCODING a", "BITOP AND a b c", "EVAL", "LCS a b", "CONFIG GET x", "client|list", "EXEC", "WATCH a b"},
}

// differExact are commands that would stop or block something if an argument came or went.
var differExact = []string{"WAIT", "SHUTDOWN", "SAVE", "BGSAVE", "BGREWRITEAOF", "MONITOR", "COMMAND", "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "LASTSAVE", "TIME"}

// strayWords replace an argument now and then.
var strayWords = []string{"", "x", "0", "-1", "\x00", "1\x00", "nan", "1e400", " ", "NX", "GET", "nx\x00y", "99999999999999999999", "\r\n", "%s%n", strings.Repeat("w", 200), "'quoted'", "-0", "0x10"}

// makeCommand makes a command from a template.
func makeCommand(r *rand.Rand, template string) []string {
	args := expand(r, strings.Fields(template), nil)
	for !slices.Contains(differExact, args[0]) && r.IntN(12) == 0 {
		at := r.IntN(len(args) + 1)
		stray := strayWords[r.IntN(len(strayWords))]
		switch {
		case args[0] == "CONFIG" && strings.Contains(stray, "\x00"): // some parameters are texts with a length, others C strings
		case r.IntN(3) == 0:
			args = slices.Insert(args, max(1, at), stray)
		case at == 0 || at == len(args):
			args = args[:max(1, len(args)-1)]
		case r.IntN(3) == 0 && at > 1 && args[0] != "CONFIG": // an option that ends early
			args[at] += "\x00" + stray
		default:
			args[at] = stray
		}
	}
	for i := range args {
		if r.IntN(20) == 0 && len(args[i]) < 20 && !slices.Contains(differWords["key"], args[i]) {
			args[i] = strings.ToLower(args[i])
		}
	}
	return args
}

// expand appends what the words of a template stand for.
func expand(r *rand.Rand, words, args []string) []string {
	for len(words) > 0 {
		open := words[0][0]
		if open != '[' && open != '(' {
			args = expandWord(r, words[0], args)
			words = words[1:]
			continue
		}
		end := slices.IndexFunc(words, func(w string) bool {
			return strings.HasSuffix(strings.TrimSuffix(w, "+"), map[byte]string{'[': "]", '(': ")"}[open])
		})
		inner := strings.Join(words[:end+1], " ")
		words = words[end+1:]
		if open == '(' {
			inner = strings.TrimSuffix(inner[1:], ")+")
			for range 1 + r.IntN(3) {
				args = expand(r, strings.Fields(inner), args)
			}
			continue
		}
		if inner = inner[1 : len(inner)-1]; r.IntN(2) == 0 {
			if strings.HasPrefix(inner, "(") {
				args = expand(r, strings.Fields(inner), args)
				continue
			}
			choices := strings.Split(inner, "|")
			if strings.Contains(inner, " ") && !strings.Contains(choices[0], " ") { // a word, then one of several
				args = expand(r, strings.Fields(inner), args)
			} else {
				args = expand(r, strings.Fields(choices[r.IntN(len(choices))]), args)
			}
		}
	}
	return args
}

// expandWord appends one word, or one of its choices.
func expandWord(r *rand.Rand, word string, args []string) []string {
	choices := strings.Split(word, "|")
	word = choices[r.IntN(len(choices))]
	class := differWords[word]
	switch {
	case word == "command":
		return append(args, strings.Fields(class[r.IntN(len(class))])...)
	case class == nil:
		return append(args, word)
	case word == "int" && r.IntN(2) == 0:
		return append(args, strconv.Itoa(r.IntN(40)-20))
	case (word == "int" || word == "bit" || word == "offset") && r.IntN(12) == 0:
		class = differWords["badint"]
	}
	return append(args, class[r.IntN(len(class))])
}
