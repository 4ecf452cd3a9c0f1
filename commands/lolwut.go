package commands

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/reredis/reredis/bus"
)

// lolwutSpec is LOLWUT.
func lolwutSpec() bus.Spec {
	return bus.Spec{
		Name: "lolwut", Run: lolwut, Arity: -1, Flags: bus.ReadOnly | bus.Fast, Lock: bus.LockNone,
		Group: "server", Since: "5.0.0", Complexity: "O(1)",
		Usage:   "[VERSION version]",
		Summary: "Draws a picture that nobody has seen before, and tells the version.",
	}
}

// lolwut takes, as Redis does, whatever follows a version for arguments of that version's picture.
func lolwut(c *bus.Ctx) error {
	if len(c.Args) > 2 && bus.EqualFold(c.Args[1], "version") {
		if _, err := integer(c.Args[2]); err != nil {
			return err
		}
	}
	rules := []uint8{18, 22, 30, 45, 60, 73, 90, 105, 110, 126, 150, 182}
	rule := rules[rand.IntN(len(rules))]
	var b strings.Builder
	drawAutomaton(&b, rule, rand.Float64)
	fmt.Fprintf(&b, "\nRule %d, each line of cells made of the one above.\nRedis ver. %s\n", rule, RedisVersion)
	c.Reply.Verbatim("txt", b.String())
	return nil
}

// Size of LOLWUT's picture in cells; one character shows two lines of them.
const (
	automatonWidth = 72
	automatonLines = 36
)

// drawAutomaton lets a ring of cells live by an elementary rule, whose bit n is what a cell becomes that
// is, with its neighbours, n in binary. It starts with few cells alive.
func drawAutomaton(b *strings.Builder, rule uint8, random func() float64) {
	var cells [automatonLines][automatonWidth]uint8
	for x := range automatonWidth {
		if random() < 0.1 {
			cells[0][x] = 1
		}
	}
	for y := 1; y < automatonLines; y++ {
		old := &cells[y-1]
		for x := range automatonWidth {
			left, right := old[(x+automatonWidth-1)%automatonWidth], old[(x+1)%automatonWidth]
			cells[y][x] = rule >> (left<<2 | old[x]<<1 | right) & 1
		}
	}
	shapes := []rune(" ▀▄█")
	for y := 0; y < automatonLines; y += 2 {
		for x := range automatonWidth {
			b.WriteRune(shapes[cells[y][x]|cells[y+1][x]<<1])
		}
		b.WriteByte('\n')
	}
}
