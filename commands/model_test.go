package commands_test

import (
	"bytes"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/reredis/reredis/internal/resp"
)

// model is a server written as simply as possible: maps, strings, no locks, no bytes in
// place. It knows the data commands and says what they answer.
type model struct {
	now   int64
	db    int
	proto int
	max   int64 // proto-max-bulk-len
	dbs   [16]map[string]entry
	arity map[string]int
}

// entry is a value; ms is its deadline if has.
type entry struct {
	text string
	enc  string
	ms   int64
	has  bool
}

func newModel() *model {
	m := &model{now: startOfTime, proto: 2, max: 512 << 20, arity: map[string]int{}}
	m.flushAll()
	for _, s := range dataCommands() {
		m.arity[s.Name] = s.Arity
		for _, sub := range s.Subs {
			m.arity[s.Name+"|"+sub.Name] = sub.Arity
		}
	}
	return m
}

func (m *model) flushAll() {
	for i := range m.dbs {
		m.dbs[i] = map[string]entry{}
	}
}

// The replies of the model.
func status(s string) resp.Value { return resp.Value{Kind: resp.KindStatus, Str: []byte(s)} }

func fault(s string) resp.Value {
	return resp.Value{Kind: resp.KindError, Str: []byte(strings.NewReplacer("\r", " ", "\n", " ").Replace(s))}
}
func number(n int64) resp.Value { return resp.Value{Kind: resp.KindInt, Int: n} }
func bulk(s string) resp.Value  { return resp.Value{Kind: resp.KindBulk, Str: []byte(s)} }
func null() resp.Value          { return resp.Value{Kind: resp.KindNull} }
func array(vs ...resp.Value) resp.Value {
	return resp.Value{Kind: resp.KindArray, Elems: vs}
}

func truth(b bool) resp.Value {
	if b {
		return number(1)
	}
	return number(0)
}

const (
	syntaxText = "ERR syntax error"
	intText    = "ERR value is not an integer or out of range"
	floatText  = "ERR value is not a valid float"
	longText   = "ERR string exceeds maximum allowed size (proto-max-bulk-len)"
	dbText     = "ERR DB index is out of range"
	sameText   = "ERR source and destination objects are the same"
)

func (m *model) do(args ...string) resp.Value {
	name := strings.ToLower(args[0])
	switch name {
	case "select":
		m.db, _ = strconv.Atoi(args[1])
		return status("OK")
	case "hello":
		m.proto, _ = strconv.Atoi(args[1])
		return status("OK")
	case "clock":
		ms, _ := strconv.ParseInt(args[1], 10, 64)
		m.now += ms
		return status("OK")
	}
	arity, known := m.arity[name]
	if !known {
		return fault("?")
	}
	if name == "object" && len(args) > 1 {
		sub := strings.ToLower(args[1])
		if arity, known = m.arity["object|"+sub]; !known {
			return fault(fmt.Sprintf("ERR unknown subcommand '%s'. Try OBJECT HELP.", args[1][:min(len(args[1]), 128)]))
		}
		name += "|" + sub
	}
	if arity > 0 && len(args) != arity || len(args) < -arity {
		return wrongArity(name)
	}
	return modelCommands[name](m, name, args)
}

func wrongArity(name string) resp.Value {
	return fault("ERR wrong number of arguments for '" + name + "' command")
}

// find returns the live entry of a key.
func (m *model) find(key string) (entry, bool) { return m.findIn(m.db, key) }

func (m *model) findIn(db int, key string) (entry, bool) {
	e, ok := m.dbs[db][key]
	if ok && e.has && m.now > e.ms {
		delete(m.dbs[db], key)
		return entry{}, false
	}
	return e, ok
}

func (m *model) put(key string, e entry) { m.dbs[m.db][key] = e }

func (m *model) bulkOf(key string) resp.Value {
	if e, ok := m.find(key); ok {
		return bulk(e.text)
	}
	return null()
}

// encoding is that of a string set whole.
func encoding(s string) string {
	_, isInt := canonical(s)
	switch {
	case isInt:
		return "int"
	case len(s) <= 44:
		return "embstr"
	}
	return "raw"
}

func canonical(s string) (int64, bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && strconv.FormatInt(n, 10) == s
}

func value(s string) entry { return entry{text: s, enc: encoding(s)} }

// keeping gives e the deadline that the key has.
func (m *model) keeping(key string, e entry) entry {
	old, _ := m.find(key)
	e.ms, e.has = old.ms, old.has
	return e
}

// modelCommands says what each command does. The name is that of Redis' errors.
var modelCommands = map[string]func(m *model, name string, args []string) resp.Value{
	"get": func(m *model, _ string, a []string) resp.Value { return m.bulkOf(a[1]) },
	"strlen": func(m *model, _ string, a []string) resp.Value {
		e, _ := m.find(a[1])
		return number(int64(len(e.text)))
	},
	"getrange": (*model).getRange,
	"substr":   (*model).getRange,
	"mget": func(m *model, _ string, a []string) resp.Value {
		var vs []resp.Value
		for _, k := range a[1:] {
			vs = append(vs, m.bulkOf(k))
		}
		return array(vs...)
	},
	"set":   (*model).set,
	"getex": (*model).getEX,
	"setnx": func(m *model, _ string, a []string) resp.Value {
		if _, ok := m.find(a[1]); ok {
			return number(0)
		}
		m.put(a[1], value(a[2]))
		return number(1)
	},
	"setex":  (*model).setExpiring,
	"psetex": (*model).setExpiring,
	"getset": func(m *model, _ string, a []string) resp.Value {
		old := m.bulkOf(a[1])
		m.put(a[1], value(a[2]))
		return old
	},
	"getdel": func(m *model, _ string, a []string) resp.Value {
		old := m.bulkOf(a[1])
		delete(m.dbs[m.db], a[1])
		return old
	},
	"mset":   (*model).mset,
	"msetnx": (*model).mset,
	"append": func(m *model, _ string, a []string) resp.Value {
		old, ok := m.find(a[1])
		e := value(a[2])
		if ok {
			if int64(len(old.text)+len(a[2])) > m.max {
				return fault(longText)
			}
			e = entry{text: old.text + a[2], enc: "raw"}
		}
		m.put(a[1], m.keeping(a[1], e))
		return number(int64(len(e.text)))
	},
	"setrange":    (*model).setRange,
	"setbit":      (*model).bit,
	"getbit":      (*model).bit,
	"bitcount":    (*model).bitCount,
	"bitpos":      (*model).bitPos,
	"bitop":       (*model).bitOp,
	"bitfield":    (*model).bitField,
	"bitfield_ro": (*model).bitField,
	"incr":        (*model).add,
	"decr":        (*model).add,
	"incrby":      (*model).add,
	"decrby":      (*model).add,
	"incrbyfloat": func(m *model, _ string, a []string) resp.Value {
		x := new(big.Float)
		if e, ok := m.find(a[1]); ok {
			if x, ok = modelFloat(e.text); !ok {
				return fault(floatText)
			}
		}
		by, ok := modelFloat(a[2])
		switch {
		case !ok:
			return fault(floatText)
		case x.IsInf() || by.IsInf():
			return fault("ERR increment would produce NaN or Infinity")
		}
		sum := new(big.Float).SetPrec(64).Add(x, by)
		if sum.MantExp(nil) > 16384 {
			return fault("ERR increment would produce NaN or Infinity")
		}
		text := strings.TrimSuffix(strings.TrimRight(sum.Text('f', 17), "0"), ".")
		if text == "-0" {
			text = "0"
		}
		e := m.keeping(a[1], value(text))
		if e.enc == "int" {
			e.enc = "embstr"
		}
		m.put(a[1], e)
		return bulk(text)
	},
	"lcs":    (*model).lcs,
	"del":    (*model).del,
	"unlink": (*model).del,
	"exists": (*model).count,
	"touch":  (*model).count,
	"type": func(m *model, _ string, a []string) resp.Value {
		if _, ok := m.find(a[1]); ok {
			return status("string")
		}
		return status("none")
	},
	"expire":      (*model).expire,
	"pexpire":     (*model).expire,
	"expireat":    (*model).expire,
	"pexpireat":   (*model).expire,
	"ttl":         (*model).deadline,
	"pttl":        (*model).deadline,
	"expiretime":  (*model).deadline,
	"pexpiretime": (*model).deadline,
	"persist": func(m *model, _ string, a []string) resp.Value {
		e, ok := m.find(a[1])
		if !ok || !e.has {
			return number(0)
		}
		e.has = false
		m.put(a[1], e)
		return number(1)
	},
	"rename":   (*model).rename,
	"renamenx": (*model).rename,
	"copy":     (*model).copyKey,
	"move": func(m *model, _ string, a []string) resp.Value {
		db, err := modelDB(a[2])
		if err != nil {
			return *err
		}
		if db == m.db {
			return fault(sameText)
		}
		e, ok := m.find(a[1])
		if _, taken := m.findIn(db, a[1]); !ok || taken {
			return number(0)
		}
		m.dbs[db][a[1]] = e
		delete(m.dbs[m.db], a[1])
		return number(1)
	},
	"keys": func(m *model, _ string, a []string) resp.Value { return array(m.match(a[1])...) },
	"scan": (*model).scan,
	"randomkey": func(m *model, _ string, _ []string) resp.Value {
		if keys := m.match("*"); len(keys) > 0 {
			return keys[0]
		}
		return null()
	},
	"dbsize": func(m *model, _ string, _ []string) resp.Value {
		return number(int64(len(m.match("*"))))
	},
	"object|encoding": func(m *model, _ string, a []string) resp.Value {
		if e, ok := m.find(a[2]); ok {
			return bulk(e.enc)
		}
		return null()
	},
	"object|refcount": func(m *model, _ string, a []string) resp.Value {
		e, ok := m.find(a[2])
		n, _ := canonical(e.text)
		switch {
		case !ok:
			return null()
		case e.enc == "int" && n >= 0 && n < 10000:
			return number(math.MaxInt32)
		}
		return number(1)
	},
	"object|freq": func(m *model, _ string, a []string) resp.Value {
		if _, ok := m.find(a[2]); ok {
			return fault("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note " +
				"that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
		}
		return null()
	},
	"flushdb": func(m *model, _ string, a []string) resp.Value {
		if !flushArgs(a[1:]) {
			return fault(syntaxText)
		}
		m.dbs[m.db] = map[string]entry{}
		return status("OK")
	},
	"flushall": func(m *model, _ string, a []string) resp.Value {
		if !flushArgs(a[1:]) {
			return fault(syntaxText)
		}
		m.flushAll()
		return status("OK")
	},
	"swapdb": func(m *model, _ string, a []string) resp.Value {
		var dbs [2]int
		var outside *resp.Value
		for i, which := range []string{"first", "second"} {
			db, err := modelDB(a[1+i])
			if err != nil && string(err.Str) == dbText {
				outside = err
			} else if err != nil {
				return fault("ERR invalid " + which + " DB index")
			}
			dbs[i] = db
		}
		if outside != nil {
			return *outside
		}
		m.dbs[dbs[0]], m.dbs[dbs[1]] = m.dbs[dbs[1]], m.dbs[dbs[0]]
		return status("OK")
	},
}

func flushArgs(a []string) bool {
	return len(a) == 0 || len(a) == 1 && (strings.EqualFold(a[0], "sync") || strings.EqualFold(a[0], "async"))
}

func (m *model) getRange(_ string, a []string) resp.Value {
	start, ok1 := canonical(a[2])
	end, ok2 := canonical(a[3])
	if !ok1 || !ok2 {
		return fault(intText)
	}
	e, _ := m.find(a[1])
	n := int64(len(e.text))
	if start < 0 && end < 0 && start > end {
		return bulk("")
	}
	if start < 0 {
		start = max(n+start, 0)
	}
	if end < 0 {
		end = max(n+end, 0)
	}
	if end >= n {
		end = n - 1
	}
	if start > end || n == 0 {
		return bulk("")
	}
	return bulk(e.text[start : end+1])
}

// modelTime is a deadline option of SET and GETEX.
func (m *model) modelTime(name, option, text string) (int64, *resp.Value) {
	n, ok := canonical(text)
	if !ok {
		v := fault(intText)
		return 0, &v
	}
	x := big.NewInt(n)
	if option == "ex" || option == "exat" {
		x.Mul(x, big.NewInt(1000))
	}
	if option == "ex" || option == "px" {
		x.Add(x, big.NewInt(m.now))
	}
	if n <= 0 || !x.IsInt64() {
		v := fault("ERR invalid expire time in '" + name + "' command")
		return 0, &v
	}
	return x.Int64(), nil
}

var timeOptions = []string{"ex", "px", "exat", "pxat"}

func (m *model) set(_ string, a []string) resp.Value {
	var nx, xx, get, keep bool
	option, text := "", ""
	for i := 3; i < len(a); i++ {
		word := strings.ToLower(a[i])
		switch {
		case word == "nx" && !xx:
			nx = true
		case word == "xx" && !nx:
			xx = true
		case word == "get":
			get = true
		case word == "keepttl" && option == "":
			keep = true
		case slices.Contains(timeOptions, word) && !keep && (option == "" || option == word) && i+1 < len(a):
			i++
			option, text = word, a[i]
		default:
			return fault(syntaxText)
		}
	}
	e := value(a[2])
	if option != "" {
		ms, err := m.modelTime("set", option, text)
		if err != nil {
			return *err
		}
		e.ms, e.has = ms, true
	}
	old, found := m.find(a[1])
	reply := status("OK")
	if get {
		reply = m.bulkOf(a[1])
	}
	if nx && found || xx && !found {
		if !get {
			reply = null()
		}
		return reply
	}
	if keep {
		e.ms, e.has = old.ms, old.has
	}
	m.put(a[1], e)
	return reply
}

func (m *model) getEX(_ string, a []string) resp.Value {
	persist, option, text := false, "", ""
	for i := 2; i < len(a); i++ {
		word := strings.ToLower(a[i])
		switch {
		case word == "persist" && option == "":
			persist = true
		case slices.Contains(timeOptions, word) && !persist && (option == "" || option == word) && i+1 < len(a):
			i++
			option, text = word, a[i]
		default:
			return fault(syntaxText)
		}
	}
	e, ok := m.find(a[1])
	if !ok {
		return null()
	}
	if option != "" {
		ms, err := m.modelTime("getex", option, text)
		if err != nil {
			return *err
		}
		e.ms, e.has = ms, true
	}
	if persist {
		e.has = false
	}
	m.put(a[1], e)
	if option != "" && e.ms <= m.now {
		delete(m.dbs[m.db], a[1])
	}
	return bulk(e.text)
}

func (m *model) setExpiring(name string, a []string) resp.Value {
	option := "ex"
	if name == "psetex" {
		option = "px"
	}
	ms, err := m.modelTime(name, option, a[2])
	if err != nil {
		return *err
	}
	e := value(a[3])
	e.ms, e.has = ms, true
	m.put(a[1], e)
	return status("OK")
}

func (m *model) mset(name string, a []string) resp.Value {
	if len(a)%2 == 0 {
		return wrongArity(name)
	}
	for i := 1; i < len(a); i += 2 {
		if _, ok := m.find(a[i]); ok && name == "msetnx" {
			return number(0)
		}
	}
	for i := 1; i < len(a); i += 2 {
		m.put(a[i], value(a[i+1]))
	}
	if name == "msetnx" {
		return number(1)
	}
	return status("OK")
}

func (m *model) setRange(_ string, a []string) resp.Value {
	offset, ok := canonical(a[2])
	switch {
	case !ok:
		return fault(intText)
	case offset < 0:
		return fault("ERR offset is out of range")
	}
	e, _ := m.find(a[1])
	if a[3] == "" {
		return number(int64(len(e.text)))
	}
	if offset > m.max-int64(len(a[3])) {
		return fault(longText)
	}
	b := []byte(e.text)
	if end := int(offset) + len(a[3]); end > len(b) {
		b = append(b, make([]byte, end-len(b))...)
	}
	copy(b[offset:], a[3])
	m.put(a[1], m.keeping(a[1], entry{text: string(b), enc: "raw"}))
	return number(int64(len(b)))
}

func (m *model) bit(name string, a []string) resp.Value {
	offset, ok := canonical(a[2])
	if !ok || offset < 0 || offset>>3 >= m.max {
		return fault("ERR bit offset is not an integer or out of range")
	}
	if name == "setbit" && a[3] != "0" && a[3] != "1" {
		return fault("ERR bit is not an integer or out of range")
	}
	e, _ := m.find(a[1])
	at, mask := int(offset>>3), byte(128)>>(offset&7)
	b := []byte(e.text)
	if end := at + 1; end > len(b) {
		if name == "getbit" {
			return number(0)
		}
		b = append(b, make([]byte, end-len(b))...)
	}
	old := truth(b[at]&mask != 0)
	if name == "setbit" {
		b[at] &^= mask
		if a[3] == "1" {
			b[at] |= mask
		}
		m.put(a[1], m.keeping(a[1], entry{text: string(b), enc: "raw"}))
	}
	return old
}

func (m *model) add(name string, a []string) resp.Value {
	by := int64(1)
	if len(a) == 3 {
		var ok bool
		if by, ok = canonical(a[2]); !ok {
			return fault(intText)
		}
	}
	if name == "decrby" && by == math.MinInt64 {
		return fault("ERR decrement would overflow")
	}
	if strings.HasPrefix(name, "decr") {
		by = -by
	}
	e, found := m.find(a[1])
	n, ok := canonical(e.text)
	if found && !ok {
		return fault(intText)
	}
	sum := new(big.Int).Add(big.NewInt(n), big.NewInt(by))
	if !sum.IsInt64() {
		return fault("ERR increment or decrement would overflow")
	}
	m.put(a[1], m.keeping(a[1], value(sum.String())))
	return number(sum.Int64())
}

var (
	decimalText = regexp.MustCompile(`^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$`)
	hexText     = regexp.MustCompile(`^[+-]?0x([0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(p[+-]?\d+)?$`)
	zeroText    = regexp.MustCompile(`^[+-]?(0x)?[0.]+([ep].*)?$`)
	infText     = regexp.MustCompile(`^[+-]?inf(inity)?$`)
)

// modelFloat is strtold by way of math/big.
func modelFloat(s string) (*big.Float, bool) {
	s = strings.ToLower(s)
	if len(s) >= 5*1024 {
		return nil, false
	}
	switch {
	case infText.MatchString(s):
		return new(big.Float).SetInf(s[0] == '-'), true
	case !decimalText.MatchString(s) && !hexText.MatchString(s):
		return nil, false
	case zeroText.MatchString(s):
		return new(big.Float), true
	}
	base := 10
	if hexText.MatchString(s) {
		base = 0
	}
	x, _, err := big.ParseFloat(s, base, 64, big.ToNearestEven)
	if err != nil || x.IsInf() || x.Sign() == 0 {
		return nil, false
	}
	exp := x.MantExp(nil)
	return x, exp <= 16384 && (exp > -16445 || exp == -16445 && x.MinPrec() > 1)
}

func (m *model) del(_ string, a []string) resp.Value {
	n := int64(0)
	for _, k := range a[1:] {
		if _, ok := m.find(k); ok {
			n++
			delete(m.dbs[m.db], k)
		}
	}
	return number(n)
}

func (m *model) count(_ string, a []string) resp.Value {
	n := int64(0)
	for _, k := range a[1:] {
		if _, ok := m.find(k); ok {
			n++
		}
	}
	return number(n)
}

func (m *model) expire(name string, a []string) resp.Value {
	on := map[string]bool{}
	for _, word := range a[3:] {
		w := strings.ToLower(word)
		if !slices.Contains([]string{"nx", "xx", "gt", "lt"}, w) {
			word, _, _ = strings.Cut(word, "\x00")
			return fault("ERR Unsupported option " + strings.TrimRight(word, "\r\n"))
		}
		on[w] = true
	}
	if on["nx"] && len(on) > 1 {
		return fault("ERR NX and XX, GT or LT options at the same time are not compatible")
	}
	if on["gt"] && on["lt"] {
		return fault("ERR GT and LT options at the same time are not compatible")
	}
	n, ok := canonical(a[2])
	if !ok {
		return fault(intText)
	}
	x := big.NewInt(n)
	if !strings.HasPrefix(name, "p") {
		x.Mul(x, big.NewInt(1000))
	}
	if !strings.HasSuffix(name, "at") {
		x.Add(x, big.NewInt(m.now))
	}
	if !x.IsInt64() {
		return fault("ERR invalid expire time in '" + name + "' command")
	}
	ms := x.Int64()
	e, found := m.find(a[1])
	switch {
	case !found, on["nx"] && e.has, on["xx"] && !e.has:
		return number(0)
	case on["gt"] && (!e.has || ms <= e.ms), on["lt"] && e.has && ms >= e.ms:
		return number(0)
	}
	e.ms, e.has = ms, true
	m.put(a[1], e)
	if ms <= m.now {
		delete(m.dbs[m.db], a[1])
	}
	return number(1)
}

func (m *model) deadline(name string, a []string) resp.Value {
	e, ok := m.find(a[1])
	switch {
	case !ok:
		return number(-2)
	case !e.has:
		return number(-1)
	}
	ms := e.ms
	if strings.HasSuffix(name, "ttl") {
		ms -= m.now
	}
	if strings.HasPrefix(name, "p") {
		return number(ms)
	}
	seconds := ms / 1000
	if ms%1000 >= 500 {
		seconds++
	}
	return number(seconds)
}

func (m *model) rename(name string, a []string) resp.Value {
	e, ok := m.find(a[1])
	if !ok {
		return fault("ERR no such key")
	}
	_, taken := m.find(a[2])
	if name == "renamenx" && taken {
		return number(0)
	}
	delete(m.dbs[m.db], a[1])
	m.put(a[2], e)
	if name == "renamenx" {
		return number(1)
	}
	return status("OK")
}

// modelDB parses the number of a database.
func modelDB(s string) (int, *resp.Value) {
	n, ok := canonical(s)
	var v resp.Value
	switch {
	case !ok:
		v = fault(intText)
	case n != int64(int32(n)):
		v = fault("ERR value is out of range, value must between -2147483648 and 2147483647")
	case n < 0 || n > 15:
		v = fault(dbText)
	default:
		return int(n), nil
	}
	return 0, &v
}

func (m *model) copyKey(_ string, a []string) resp.Value {
	db, replace := m.db, false
	for i := 3; i < len(a); i++ {
		switch word := strings.ToLower(a[i]); {
		case word == "replace":
			replace = true
		case word == "db" && i+1 < len(a):
			i++
			var err *resp.Value
			if db, err = modelDB(a[i]); err != nil {
				return *err
			}
		default:
			return fault(syntaxText)
		}
	}
	if db == m.db && a[1] == a[2] {
		return fault(sameText)
	}
	e, ok := m.find(a[1])
	if _, taken := m.findIn(db, a[2]); !ok || taken && !replace {
		return number(0)
	}
	m.dbs[db][a[2]] = e
	return number(1)
}

// match lists the live keys that match a pattern.
func (m *model) match(pattern string) []resp.Value {
	var keys []resp.Value
	for k := range m.dbs[m.db] {
		if _, ok := m.find(k); ok && (pattern == "*" || modelGlob(pattern, k)) {
			keys = append(keys, bulk(k))
		}
	}
	slices.SortFunc(keys, func(a, b resp.Value) int { return bytes.Compare(a.Str, b.Str) })
	return keys
}

// modelGlob matches by trying everything.
func modelGlob(pattern, s string) bool {
	if s == "" {
		return pattern == ""
	}
	var rest func(p, s string) bool
	rest = func(p, s string) bool {
		if s == "" {
			return strings.Trim(p, "*") == ""
		}
		if p == "" {
			return false
		}
		switch p[0] {
		case '*':
			return rest(p[1:], s) || rest(p, s[1:])
		case '?':
			return rest(p[1:], s[1:])
		case '[':
			ok, after := modelClass(p[1:], int8(s[0]))
			return ok && rest(after, s[1:])
		case '\\':
			if len(p) > 1 {
				p = p[1:]
			}
		}
		return p[0] == s[0] && rest(p[1:], s[1:])
	}
	return rest(pattern, s)
}

func modelClass(p string, ch int8) (ok bool, after string) {
	not := strings.HasPrefix(p, "^")
	p = strings.TrimPrefix(p, "^")
	for p != "" && p[0] != ']' {
		switch {
		case p[0] == '\\' && len(p) > 1:
			ok = ok || int8(p[1]) == ch
			p = p[2:]
		case len(p) > 2 && p[1] == '-':
			low, high := min(int8(p[0]), int8(p[2])), max(int8(p[0]), int8(p[2]))
			ok = ok || low <= ch && ch <= high
			p = p[3:]
		default:
			ok = ok || int8(p[0]) == ch
			p = p[1:]
		}
	}
	return ok != not, strings.TrimPrefix(p, "]")
}

// scan does it in one step: the random commands ask for large counts.
func (m *model) scan(_ string, a []string) resp.Value {
	if _, err := strconv.ParseUint(a[1], 10, 64); err != nil {
		return fault("ERR invalid cursor")
	}
	pattern, typ := "*", "string"
	for i := 2; i < len(a); i += 2 {
		if i+1 == len(a) {
			return fault(syntaxText)
		}
		switch strings.ToLower(a[i]) {
		case "count":
			n, ok := canonical(a[i+1])
			if !ok {
				return fault(intText)
			}
			if n < 1 {
				return fault(syntaxText)
			}
		case "match":
			pattern = a[i+1]
		case "type":
			typ = strings.ToLower(a[i+1])
		default:
			return fault(syntaxText)
		}
	}
	var keys []resp.Value
	if typ == "string" {
		keys = m.match(pattern)
	}
	return array(bulk("0"), array(keys...))
}

// lcs is the textbook table, with Redis' way back through it.
func (m *model) lcs(_ string, a []string) resp.Value {
	var length, index, sizes bool
	least := int64(0)
	for i := 3; i < len(a); i++ {
		switch word := strings.ToLower(a[i]); {
		case word == "len":
			length = true
		case word == "idx":
			index = true
		case word == "withmatchlen":
			sizes = true
		case word == "minmatchlen" && i+1 < len(a):
			i++
			var ok bool
			if least, ok = canonical(a[i]); !ok {
				return fault(intText)
			}
		default:
			return fault(syntaxText)
		}
	}
	if length && index {
		return fault("ERR If you want both the length and indexes, please just use IDX.")
	}
	e1, _ := m.find(a[1])
	e2, _ := m.find(a[2])
	x, y := e1.text, e2.text
	if int64(len(x)+1)*int64(len(y)+1)*4 > m.max {
		return fault("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len")
	}
	table := make([][]int, len(x)+1)
	for i := range table {
		table[i] = make([]int, len(y)+1)
		for j := 1; i > 0 && j <= len(y); j++ {
			table[i][j] = max(table[i-1][j], table[i][j-1])
			if x[i-1] == y[j-1] {
				table[i][j] = table[i-1][j-1] + 1
			}
		}
	}
	var text []byte
	var runs []resp.Value
	size := 0
	finish := func(i, j int) {
		if size > 0 && int64(size) >= least {
			run := []resp.Value{
				array(number(int64(i)), number(int64(i+size-1))),
				array(number(int64(j)), number(int64(j+size-1))),
			}
			if sizes {
				run = append(run, number(int64(size)))
			}
			runs = append(runs, array(run...))
		}
		size = 0
	}
	i, j := len(x), len(y)
	for i > 0 && j > 0 {
		if x[i-1] == y[j-1] {
			i, j, size = i-1, j-1, size+1
			text = append(text, x[i])
			continue
		}
		finish(i, j)
		if table[i-1][j] > table[i][j-1] {
			i--
		} else {
			j--
		}
	}
	finish(i, j)
	slices.Reverse(text)
	n := number(int64(table[len(x)][len(y)]))
	switch {
	case index:
		return array(bulk("matches"), array(runs...), bulk("len"), n)
	case length:
		return n
	}
	return bulk(string(text))
}

// fuzzDice makes choices of a fuzzer's bytes.
type fuzzDice struct{ data []byte }

func (d *fuzzDice) IntN(n int) int {
	if len(d.data) == 0 {
		return 0
	}
	v := int(d.data[0])
	d.data = d.data[1:]
	if n > 256 && len(d.data) > 0 {
		v = v<<8 | int(d.data[0])
		d.data = d.data[1:]
	}
	return v % n
}

// text takes a string of the fuzzer's own making.
func (d *fuzzDice) text() string {
	n := min(d.IntN(40), len(d.data))
	s := string(d.data[:n])
	d.data = d.data[n:]
	return s
}

// agree runs a command on both servers and compares.
func agree(t *testing.T, ours, want server, args []string) bool {
	t.Helper()
	got, expected := ours.do(args...), want.do(args...)
	if showFor(args, got) == showFor(args, expected) {
		return true
	}
	t.Errorf("%q\n  answers %s\n  should be %s", args, showFor(args, got), showFor(args, expected))
	return false
}

// FuzzCommands drives all string and key commands with commands and arguments that the
// fuzzer makes up, with a clock that moves, beside the model, with a log whose effects
// must make the same keys (K5).
func FuzzCommands(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 1))
	for n := 50; n <= 3000; n *= 4 {
		seed := make([]byte, n)
		for i := range seed {
			seed[i] = byte(rng.Uint32())
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		log := &ledger{t: t}
		ours, want := newLocal(t, log), newModel()
		want.max = 100_000 // an offset that a fuzzer makes up should not cost it seconds
		ours.space.SetMaxValue(want.max)
		d := &fuzzDice{data: data}
		for len(d.data) > 0 {
			args := fuzzCommand(d)
			if !agree(t, ours, want, args) {
				return
			}
		}
		if got, should := state(ours), state(want); got != should {
			t.Errorf("we have\n%s\nshould be\n%s", got, should)
		}
		copied := newSpace(t)
		replay(t, copied, log.effects)
		if got, should := digest(t, copied), digest(t, ours.space); got != should {
			t.Errorf("the effects make\n%s\ninstead of\n%s", got, should)
		}
	})
}

// fuzzCommand makes a command of a fuzzer's bytes.
func fuzzCommand(d *fuzzDice) []string {
	switch d.IntN(8) {
	case 0:
		return []string{"CLOCK", strconv.Itoa(d.IntN(400))}
	case 1:
		return someRelative(d)
	}
	args := someCommand(d)
	if args[0] != "SELECT" && d.IntN(4) == 0 { // an argument of the fuzzer's
		at := 1 + d.IntN(max(len(args)-1, 1))
		if at < len(args) && !(args[0] == "SCAN" && at == 1) {
			was := args[at]
			args[at] = d.text()
			if _, err := strconv.Atoi(args[at]); err == nil && args[at-1] == "COUNT" {
				args[at] = was // the model scans in one step
			}
		}
	}
	return args
}

// TestModel runs the fuzzer's driver on random commands, more than a fuzzer gets to in a
// unit test.
func TestModel(t *testing.T) {
	for seed := range uint64(4) {
		ours, want := newLocal(t, nil), newModel()
		rng := rand.New(rand.NewPCG(seed, 3))
		for range *randomCommands {
			args := someCommand(rng)
			switch rng.IntN(10) {
			case 0:
				args = someRelative(rng)
			case 1:
				args = []string{"CLOCK", strconv.Itoa(rng.IntN(200))}
			}
			if !agree(t, ours, want, args) {
				return
			}
		}
		if got, should := state(ours), state(want); got != should {
			t.Errorf("we have\n%s\nshould be\n%s", got, should)
		}
	}
}

// TestLCSAgainstModel compares long strings over few letters.
func TestLCSAgainstModel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		b := make([]byte, rng.IntN(300))
		letters := 1 + rng.IntN(6)
		for i := range b {
			b[i] = byte('a' + rng.IntN(letters))
		}
		return string(b)
	}
	ours, want := newLocal(t, nil), newModel()
	for range 1000 {
		for _, args := range [][]string{
			{"MSET", "a", text(), "b", text()},
			{"LCS", "a", "b"},
			{"LCS", "a", "b", "LEN"},
			{"LCS", "a", "b", "IDX", "WITHMATCHLEN"},
		} {
			if !agree(t, ours, want, args) {
				return
			}
		}
	}
}

// TestScanFindsEachKeyOnce iterates with all kinds of counts, with and without conditions.
func TestScanFindsEachKeyOnce(t *testing.T) {
	s := newLocal(t, nil)
	all := map[string]bool{}
	for i := range 3000 {
		key := fmt.Sprintf("key:%d", i)
		if i%3 == 0 {
			key = fmt.Sprintf("{tag}%d", i)
		}
		s.do("SET", key, "v")
		all[key] = true
	}
	for _, c := range []struct {
		words []string
		want  int
		most  int // calls, for patterns that can only match in one slot; 0: any number
	}{
		{nil, 3000, 0},
		{[]string{"COUNT", "1"}, 3000, 0},
		{[]string{"COUNT", "77"}, 3000, 0},
		{[]string{"COUNT", "1000000"}, 3000, 0},
		{[]string{"COUNT", "9223372036854775807"}, 3000, 0},
		{[]string{"MATCH", "key:*"}, 2000, 0},
		{[]string{"MATCH", "{tag}*", "COUNT", "5"}, 1000, 201},
		{[]string{"MATCH", "key:1", "COUNT", "5"}, 1, 2},
		{[]string{"TYPE", "string", "COUNT", "50"}, 3000, 0},
		{[]string{"TYPE", "hash", "COUNT", "50"}, 0, 0},
	} {
		seen := map[string]bool{}
		cursor, calls := "0", 0
		for {
			reply := s.do(slices.Concat([]string{"SCAN", cursor}, c.words)...)
			calls++
			for _, k := range strs(reply.Elems[1]) {
				if seen[k] || !all[k] {
					t.Fatalf("%v: %q twice, or never stored", c.words, k)
				}
				seen[k] = true
			}
			if cursor = reply.Elems[0].String(); cursor == "0" {
				break
			}
		}
		if len(seen) != c.want {
			t.Errorf("%v: %d keys, not %d", c.words, len(seen), c.want)
		}
		if c.most > 0 && calls > c.most {
			t.Errorf("%v: %d calls", c.words, calls)
		}
	}
}
