package main

import (
	"fmt"
	"slices"

	"github.com/reredis/reredis/bus"
	"github.com/reredis/reredis/configs"
)

// renamed gives commands the names of the configuration, and leaves out those that shall have none.
func renamed(specs []bus.Spec, names []configs.Rename) ([]bus.Spec, error) {
	specs = slices.Clone(specs)
	find := func(name string) int {
		return slices.IndexFunc(specs, func(s bus.Spec) bool { return s.Name == name })
	}
	for _, r := range names {
		i := find(r.From)
		switch {
		case i < 0:
			return nil, fmt.Errorf("server.admin.rename_commands: there is no command %s", r.From)
		case r.To == "":
			specs = slices.Delete(specs, i, i+1)
		case find(r.To) >= 0 && r.To != r.From:
			return nil, fmt.Errorf("server.admin.rename_commands: %s can not become %s: there is such a command", r.From, r.To)
		default:
			specs[i].Name = r.To
		}
	}
	return specs, nil
}
