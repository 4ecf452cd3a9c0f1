package configs

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestPairs: what comes out of any two layers lies in testdata/pairs.txtar.
func TestPairs(t *testing.T) {
	file, err := filepath.Abs("testdata/pairs.txtar")
	mustDo(t, err)
	layers := readArchive(t, "testdata/golden/layers.txtar").cases()
	pairs := readArchive(t, file)
	wants := map[string]*section{}
	for _, s := range pairs.sections {
		wants[s.name] = s
	}
	pairs.sections = nil
	for i, lower := range layers {
		for _, higher := range layers[i+1:] {
			c := goldenCase{name: lower.name + " and " + higher.name, parts: slices.Clone(lower.parts)}
			for _, p := range higher.parts {
				c.add(p)
			}
			if c.want = wants[c.name]; c.want == nil {
				c.want = &section{name: c.name}
			}
			pairs.sections = append(pairs.sections, c.want)
			t.Run(c.name, func(t *testing.T) { c.check(t, c.result(t)) })
		}
	}
	pairs.save(t, file)
}

// add adds a part; arguments and variables go behind those that are there.
func (c *goldenCase) add(p section) {
	i := slices.IndexFunc(c.parts, func(o section) bool { return o.name == p.name })
	if i < 0 {
		c.parts = append(c.parts, p)
		return
	}
	if p.name == "args" {
		c.parts[i].text = strings.ReplaceAll(c.parts[i].text, "--dir d", "") // once is enough
	}
	c.parts[i].text += p.text
}
