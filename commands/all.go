package commands

import (
	"slices"

	"github.com/reredis/reredis/bus"
)

// All returns every command of the package, ready for Bus.Register.
func All(d *Deps) []bus.Spec {
	return slices.Concat(Strings(), Bits(), Keys(), Transactions(), Connection(d), Messages(d), Server(d))
}
