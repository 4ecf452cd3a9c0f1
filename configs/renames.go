package configs

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rename gives a command another name.
type Rename struct {
	From string // lower case
	To   string // lower case; "" takes the command away
}

// renameDirective is the line of a redis.conf that adds to server.admin.rename_commands; CONFIG does not know it.
const (
	renameDirective = "rename-command"
	renamesPath     = "server.admin.rename_commands"
)

var errRenamed = errors.New("No such command in rename-command")

// addRename adds to a list that is in the order of the commands; the old list is not changed.
func addRename(list []Rename, from, to string) ([]Rename, error) {
	r := Rename{strings.ToLower(from), strings.ToLower(to)}
	for _, name := range []string{r.From, r.To} {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
			return nil, fmt.Errorf("%q: a command's name has letters, digits, - and _ only", name)
		}
	}
	if r.From == "" || slices.ContainsFunc(list, func(o Rename) bool { return o.From == r.From }) {
		return nil, errRenamed
	}
	list = append(slices.Clone(list), r)
	slices.SortFunc(list, func(a, b Rename) int { return cmp.Compare(a.From, b.From) })
	return list, nil
}

// renames is a table of commands with other names.
func renames() codec[[]Rename] {
	return codec[[]Rename]{
		kind:  "table of names",
		multi: true,
		fromFile: func(raw any) (list []Rename, err error) {
			table, ok := raw.(map[string]any)
			if !ok {
				return nil, wrongType(raw, "a table such as {flushall: \"\", config: admin-config}")
			}
			for _, from := range slices.Sorted(maps.Keys(table)) {
				name, ok := table[from].(string)
				if !ok {
					return nil, fmt.Errorf("%s: %w", from, wrongType(table[from], "a name in quotes"))
				}
				if list, err = addRename(list, from, name); err != nil {
					return nil, err
				}
			}
			return list, nil
		},
		fromText: func(s string) (list []Rename, err error) {
			if s == "" {
				return nil, nil
			}
			for part := range strings.SplitSeq(s, ",") {
				from, to, ok := strings.Cut(part, "=")
				if !ok {
					return nil, fmt.Errorf("%q: write name=other, or name= to take a command away", part)
				}
				if list, err = addRename(list, strings.TrimSpace(from), strings.TrimSpace(to)); err != nil {
					return nil, err
				}
			}
			return list, nil
		},
		fromRedis: func(old []Rename, args []string) ([]Rename, error) {
			if len(args) != 2 {
				return nil, errArgs
			}
			return addRename(old, args[0], args[1])
		},
		toFile: func(list []Rename) any {
			table := make(map[string]any, len(list))
			for _, r := range list {
				table[r.From] = r.To
			}
			return table
		},
		toText: func(list []Rename) string {
			parts := make([]string, len(list))
			for i, r := range list {
				parts[i] = r.From + "=" + r.To
			}
			return strings.Join(parts, ",")
		},
		toRedis: func([]Rename) string { return "" },
	}
}
