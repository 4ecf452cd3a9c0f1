package configs

import (
	"fmt"
	"os"
	"strings"
)

// fileSuffix makes the name of a secret the name of the file that holds it:
// server.auth.password_file, REREDIS__SERVER__AUTH__PASSWORD_FILE.
const fileSuffix = "_file"

const maxSecret = 64 << 10 // bytes

// secretFile finds the secret that path names the file of, nil if there is none.
func (t *table) secretFile(path string) *Param {
	base, ok := strings.CutSuffix(path, fileSuffix)
	if p := t.byPath[base]; ok && p != nil && p.Flags.Has(Secret) {
		return p
	}
	return nil
}

// setSecret reads the value of a secret from a file; one line end behind it does
// not belong to it.
func (l *loader) setSecret(p *Param, where Origin, path string, raw any) {
	fail := func(text string) { l.problem(Problem{Where: where, Name: path, Text: text}) }
	name, ok := raw.(string)
	if !ok || name == "" {
		fail(describe(raw) + ": write the name of the file that holds the secret")
		return
	}
	b, err := l.read(name)
	switch {
	case err != nil:
		l.problem(Problem{Where: where, Name: path, Text: name + ": " + err.Error(), unreadable: true})
		return
	case len(b) > maxSecret:
		fail(fmt.Sprintf("%s: larger than %s", name, formatSize(maxSecret)))
		return
	}
	if st, err := os.Stat(name); err == nil && st.Mode().Perm()&0o004 != 0 {
		l.warnings = append(l.warnings, fmt.Sprintf("%s: everybody on this machine can read %s, which holds a secret: chmod o-r", where, name))
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(b), "\n"), "\r")
	l.set(p, where, path, p.setText(l.cfg, secret))
}

// setLeaf sets a row, or a secret from its file, from native text. It returns false if there is no such row.
func (l *loader) setLeaf(where Origin, path, value string) bool {
	if p := l.table.leaf(path); p != nil {
		l.set(p, where, path, p.setText(l.cfg, value))
		return true
	}
	if p := l.table.secretFile(path); p != nil {
		l.setSecret(p, where, path, value)
		return true
	}
	return false
}
