package configs

// Param is one row of the table: a setting with its names, its type, its
// default and how it is written in each notation. Rows are made by row and
// compat, so that the compiler checks field against type.
type Param struct {
	Path    string   // "server.port": lower case, [a-z0-9_], at least one dot
	Redis   string   // name in redis.conf and CONFIG, "" if there is none
	Aliases []string // other Redis names of the same value
	Flag    string   // extra name on the command line: "http-port"
	Default string   // in native notation
	Set     Mutability
	Flags   Flags
	Doc     string // first sentence <= 100 characters; no trailing full stop
	Why     string // of a Compat row: why the value has no effect
	Since   string // release that brought it

	Type  string   // "size", for the reference
	Unit  string   // of a bare number under the Redis name: "s", "ms", "µs"
	Words []string // what an enumeration takes, in native notation

	multi bool // Redis' notation may be several arguments

	setFile  func(c *Config, raw any) error       // from YAML, TOML, JSON
	setText  func(c *Config, s string) error      // environment, --a.b, CONFIG SET a.b
	setRedis func(c *Config, args []string) error // redis.conf, --name, CONFIG SET name
	native   func(c *Config) any                  // inverse of setFile
	text     func(c *Config) string               // inverse of setText
	redis    func(c *Config) string               // inverse of setRedis: CONFIG GET name

	// clear empties a value that accumulates over the directives of one
	// redis.conf; nil for all others.
	clear func(c *Config)

	// sets reports whether Redis' words for a composite row set the leaf of a path.
	sets func(args []string, path string) bool

	field func(c *Config) any // pointer to the field; nil for Compat rows
}

// Mutability says when a changed value takes effect.
type Mutability uint8

const (
	// Live values take effect at once.
	Live Mutability = iota
	// New values hold for what is made from now on: connections, segments of the log.
	New
	// Restart values are read when the server starts.
	Restart
	// Fixed values are recorded with the data.
	Fixed
)

// String is the word of the reference.
func (m Mutability) String() string {
	return [...]string{"live", "new", "restart", "fixed with the data"}[m]
}

// Flags are properties of a row.
type Flags uint16

const (
	// Secret values are shown to nobody but CONFIG GET.
	Secret Flags = 1 << iota
	// Protected values can be set at run time only where
	// enable-protected-configs allows it.
	Protected
	// Hidden values are returned only for their exact name.
	Hidden
	// CompatOnly values are kept and returned but have no effect.
	CompatOnly
	// Composite rows are one Redis name for several leaves; the leaves have
	// rows of their own.
	Composite
	// Immutable marks what Redis itself refuses to set at run time, even to
	// the present value.
	Immutable
	// Applied values take effect through an applier only; without one that
	// was registered for exactly this path, and not just for its section, they
	// cannot be changed at run time.
	Applied
	// NoOverlay values cannot be set at run time, since they say where what was set is kept.
	NoOverlay
)

// Has reports whether all of f are set.
func (fl Flags) Has(f Flags) bool { return fl&f == f }

// codec is a type of values: how each notation writes them. Its functions
// must be inverses: parse(format(v)) = v. fromRedis gets one argument, unless
// multi says that there may be more, or none.
type codec[T any] struct {
	kind  string
	unit  string
	words []string
	multi bool

	fromFile  func(raw any) (T, error)
	fromText  func(s string) (T, error)
	fromRedis func(old T, args []string) (T, error) // old: for directives that change a part or add
	toFile    func(v T) any
	toText    func(v T) string
	toRedis   func(v T) string
}

// row joins a field of Config with the codec of its type.
func row[T any](t codec[T], field func(*Config) *T, p Param) Param {
	p.Type, p.Unit, p.Words, p.multi = t.kind, t.unit, t.words, t.multi
	p.field = func(c *Config) any { return field(c) }
	store := func(c *Config, v T, err error) error {
		if err == nil {
			*field(c) = v
		}
		return err
	}
	p.setFile = func(c *Config, raw any) error {
		v, err := t.fromFile(raw)
		return store(c, v, err)
	}
	p.setText = func(c *Config, s string) error {
		v, err := t.fromText(s)
		return store(c, v, err)
	}
	p.setRedis = func(c *Config, args []string) error {
		v, err := t.fromRedis(*field(c), args)
		return store(c, v, err)
	}
	p.native = func(c *Config) any { return t.toFile(*field(c)) }
	p.text = func(c *Config) string { return t.toText(*field(c)) }
	p.redis = func(c *Config) string { return t.toRedis(*field(c)) }
	return p
}

// checked adds a check to a codec; the check sees the parsed value.
func checked[T any](t codec[T], check func(T) error) codec[T] {
	file, text, redis := t.fromFile, t.fromText, t.fromRedis
	and := func(v T, err error) (T, error) {
		if err == nil {
			err = check(v)
		}
		return v, err
	}
	t.fromFile = func(raw any) (T, error) { return and(file(raw)) }
	t.fromText = func(s string) (T, error) { return and(text(s)) }
	t.fromRedis = func(old T, args []string) (T, error) { return and(redis(old, args)) }
	return t
}

// redisNames returns the names of a row in CONFIG, its own first.
func (p *Param) redisNames() []string {
	if p.Redis == "" {
		return nil
	}
	return append([]string{p.Redis}, p.Aliases...)
}

// same reports whether two configurations agree in this row.
func (p *Param) same(a, b *Config) bool { return p.text(a) == p.text(b) }
