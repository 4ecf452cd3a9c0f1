package commands

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// everyLength calls f with random bytes of all lengths up to two rounds of the loops, some
// all zeros or ones, at all alignments.
func everyLength(f func(b []byte)) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for n := range 140 {
		for fill := range 3 {
			b := make([]byte, n+8)
			for i := range b {
				switch fill {
				case 0:
					b[i] = byte(rnd.Uint32())
				case 1:
					b[i] = 0xFF
				}
			}
			f(b[n%8 : n%8+n])
		}
	}
}

func TestWords(t *testing.T) {
	rnd := rand.New(rand.NewPCG(2, 2))
	everyLength(func(b []byte) {
		set := 0
		for _, c := range b {
			for ; c != 0; c &= c - 1 {
				set++
			}
		}
		if n := ones(b); n != set {
			t.Fatalf("%x: %d bits, not %d", b, n, set)
		}
		for i := range b {
			was := b[i]
			b[i] ^= 1 << rnd.IntN(8)
			for _, fill := range []byte{0, 0xFF} {
				want := 0
				for want < len(b) && b[want] == fill {
					want++
				}
				if n := skip(b, fill); n != want {
					t.Fatalf("%x: skips %d of %x, not %d", b, n, fill, want)
				}
			}
			b[i] = was
		}
		other := make([]byte, len(b))
		for i := range other {
			other[i] = byte(rnd.Uint32())
		}
		for name, c := range map[string]struct {
			join func(dst, x, y []byte)
			one  func(x, y byte) byte
		}{
			"and": {andBytes, func(x, y byte) byte { return x & y }},
			"or":  {orBytes, func(x, y byte) byte { return x | y }},
			"xor": {xorBytes, func(x, y byte) byte { return x ^ y }},
			"not": {func(dst, x, _ []byte) { notBytes(dst, x) }, func(x, _ byte) byte { return ^x }},
		} {
			want := make([]byte, len(b))
			for i := range b {
				want[i] = c.one(b[i], other[i])
			}
			got := make([]byte, len(b))
			c.join(got, b, other)
			inPlace := bytes.Clone(b)
			c.join(inPlace, inPlace, other)
			if !bytes.Equal(got, want) || !bytes.Equal(inPlace, want) {
				t.Fatalf("%x %s %x: %x, in place %x, not %x", b, name, other, got, inPlace, want)
			}
		}
	})
}

// TestFieldWindow writes and reads fields of every width at every place in a byte.
func TestFieldWindow(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 3))
	for width := uint(1); width <= 64; width++ {
		for shift := range uint(8) {
			var w fieldWindow
			for i := range w {
				w[i] = byte(rnd.Uint32())
			}
			before := w
			v := rnd.Uint64()
			w.setField(shift, width, v)
			if got, want := w.field(shift, width), v&(^uint64(0)>>(64-width)); got != want {
				t.Fatalf("width %d, shift %d: %x, not %x", width, shift, got, want)
			}
			for bit := range uint(72) {
				inside := bit >= shift && bit < shift+width
				if differ := (w[bit/8]^before[bit/8])>>(7-bit%8)&1 != 0; differ && !inside {
					t.Fatalf("width %d, shift %d: bit %d changed", width, shift, bit)
				}
			}
		}
	}
}

// TestBitCompute has sources whose ends lie around the ends of chunks.
func TestBitCompute(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 4))
	lengths := []int{0, 1, 63, 64, 65, bitChunk - 1, bitChunk, bitChunk + 1, 2*bitChunk + 5, 3 * bitChunk}
	for range 200 {
		for i := range bitOperations {
			op := &bitOperations[i]
			n := []int{1, 2, 3, 3, 1 + rnd.IntN(20)}[rnd.IntN(5)]
			if op.join == nil {
				n = 1
			}
			srcs, longest := make([][]byte, n), 0
			for i := range srcs {
				srcs[i] = make([]byte, lengths[rnd.IntN(len(lengths))])
				for j := range srcs[i] {
					srcs[i][j] = byte(rnd.Uint32())
				}
				longest = max(longest, len(srcs[i]))
			}
			got := bytes.Repeat([]byte{0xAA}, longest)
			op.compute(got, srcs)
			for at := range got {
				var want byte
				for i, src := range srcs {
					var c byte
					if at < len(src) {
						c = src[at]
					}
					switch {
					case op.join == nil:
						want = ^c
					case i == 0:
						want = c
					case op.name == "and":
						want &= c
					case op.name == "or":
						want |= c
					default:
						want ^= c
					}
				}
				if got[at] != want {
					t.Fatalf("%s of %d strings: byte %d of %d is %x, not %x", op.name, n, at, longest, got[at], want)
				}
			}
		}
	}
}

func benchBytes(b *testing.B, f func(x []byte)) {
	for name, n := range map[string]int{"16": 16, "1K": 1 << 10, "1M": 1 << 20} {
		b.Run(name, func(b *testing.B) {
			x := []byte(strings.Repeat("\x00", n))
			b.SetBytes(int64(n))
			for b.Loop() {
				f(x)
			}
		})
	}
}

func BenchmarkOnes(b *testing.B) { benchBytes(b, func(x []byte) { ones(x) }) }
func BenchmarkSkip(b *testing.B) { benchBytes(b, func(x []byte) { skip(x, 0) }) }
func BenchmarkJoin(b *testing.B) {
	for i := range bitOperations[:3] {
		b.Run(bitOperations[i].name, func(b *testing.B) {
			benchBytes(b, func(x []byte) { bitOperations[i].join(x, x, x) })
		})
	}
}
