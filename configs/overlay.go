package configs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// OverlayName is the file in server.dir that CONFIG REWRITE writes: what CONFIG SET has
// changed. It is the server's own; the files of users are never written.
const OverlayName = "reredis.overlay.yaml"

const overlayHead = `# Written by CONFIG REWRITE: what CONFIG SET has changed, above files, environment and
# command line. CONFIG UNSET takes an entry back. "shadowed" is what the others said then.
`

// overlay is what CONFIG SET has changed, by path. One that is in use is never changed.
type overlay map[string]entry

// entry is one value of the overlay, in native text.
type entry struct {
	Value    string    `yaml:"value"`
	Shadowed string    `yaml:"shadowed"` // what the layers below said when it was set; of a secret its digest
	Time     time.Time `yaml:"time"`
	User     string    `yaml:"user"`
}

// shadow is how the overlay remembers a value of the layers below it.
func shadow(p *Param, c *Config) string {
	if p.Flags.Has(Secret) {
		return digest([]byte(p.text(c)))
	}
	return p.text(c)
}

// with is the overlay with an entry more, or another one.
func (o overlay) with(p *Param, value string, base *Config, now time.Time, user string) overlay {
	next := maps.Clone(o)
	if next == nil {
		next = overlay{}
	}
	next[p.Path] = entry{Value: value, Shadowed: shadow(p, base), Time: now.UTC().Truncate(time.Second), User: user}
	return next
}

// conflicts warns about entries that hide something else now than when they were made.
func (o overlay) conflicts(base *Config) []string {
	var out []string
	for _, path := range slices.Sorted(maps.Keys(o)) {
		p := theTable().leaf(path)
		now := shadow(p, base)
		if e := o[path]; now != e.Shadowed && now != shadowOf(p, e.Value) {
			was, is, set := e.Shadowed, now, e.Value
			if p.Flags.Has(Secret) {
				was, is, set = redacted, redacted, redacted
			}
			out = append(out, fmt.Sprintf("%s: the configuration says %q now, %q when CONFIG SET made it %q, which still counts; CONFIG UNSET %s gives way to the configuration",
				path, is, was, set, path))
		}
	}
	return out
}

// shadowOf is what shadow gives for a value in native text.
func shadowOf(p *Param, value string) string {
	if p.Flags.Has(Secret) {
		return digest([]byte(value))
	}
	return value
}

// readOverlay reads the file of an overlay; one that is not there is empty.
func readOverlay(file string) (overlay, []Problem) {
	where := Origin{Layer: LayerFile, Name: file}
	fail := func(line int, path, text string) []Problem {
		where.Line = line
		return []Problem{{Where: where, Name: path, Text: text, Hint: "mend it, or start with --no-overlay, which ignores it once"}}
	}
	b, err := readFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fail(0, "", err.Error())
	}
	if p, bad := notUTF8(file, b); bad {
		return nil, fail(p.Where.Line, "", p.Text)
	}
	var doc, more yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(b))
	if err := dec.Decode(&doc); err != nil && !errors.Is(err, io.EOF) {
		p := syntaxProblems(file, b, err)[0]
		return nil, fail(p.Where.Line, "", p.Text)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fail(root.Line, "", "holds no entries")
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fail(more.Line, "", "holds more than one document")
	}
	out := overlay{}
	var problems []Problem
	scratch := Default()
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		p := theTable().leaf(key.Value)
		e, err := readEntry(file, b, value)
		_, twice := out[key.Value]
		switch {
		case p == nil:
			err = errors.New("unknown parameter")
		case p.Flags.Has(NoOverlay):
			err = errors.New("can only be set by files, environment or command line")
		case twice:
			err = errors.New("has two entries")
		case err == nil:
			err = p.setText(scratch, e.Value)
		}
		if err != nil {
			problems = append(problems, fail(key.Line, key.Value, err.Error())...)
			continue
		}
		out[key.Value] = e
	}
	return out, problems
}

// readEntry reads an entry of the file b: it has a value, and no parts but those of an entry.
func readEntry(file string, b []byte, n *yaml.Node) (e entry, err error) {
	if n.Kind != yaml.MappingNode {
		return e, errors.New("is no entry with a value")
	}
	hasValue := false
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch part := n.Content[i].Value; part {
		case "value":
			hasValue = n.Content[i+1].Kind == yaml.ScalarNode && n.Content[i+1].Tag != "!!null"
		case "shadowed", "time", "user":
		default:
			return e, fmt.Errorf("%q is no part of an entry", part)
		}
	}
	if !hasValue {
		return e, errors.New("is no entry with a value")
	}
	if err := n.Decode(&e); err != nil {
		return e, errors.New(syntaxProblems(file, b, err)[0].Text)
	}
	return e, nil
}

// text is the content of the file.
func (o overlay) text() ([]byte, error) {
	root := yaml.Node{Kind: yaml.MappingNode}
	for _, path := range slices.Sorted(maps.Keys(o)) {
		var value yaml.Node
		if err := value.Encode(o[path]); err != nil {
			return nil, err
		}
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: path}, &value)
	}
	if len(o) == 0 {
		return []byte(overlayHead), nil
	}
	b, err := yaml.Marshal(&root)
	return append([]byte(overlayHead), b...), err
}

// Rewrite answers CONFIG REWRITE: what CONFIG SET has changed outlives the process,
// in a file of the server's own. It works without a configuration file. The
// text of the error is the client's, with its code.
func (s *Store) Rewrite() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.overlay.text()
	if err == nil {
		err = replaceFile(osDisk{}, s.overlayFile, b)
	}
	if err != nil {
		return fmt.Errorf("ERR Rewriting config file: %s", strings.TrimSpace(err.Error()))
	}
	s.saved = s.overlay
	s.note(func(st *State) { st.Unsaved = nil })
	return nil
}
