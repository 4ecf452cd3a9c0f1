package commands

import (
	"crypto/subtle"
	"encoding/binary"
	"math/bits"
)

// The loops below take 64 bytes at a time as eight words: that is where long bitmaps
// spend their time (BenchmarkOnes, BenchmarkJoin, BenchmarkSkip).

// ones counts the bits that are set. Four sums let the processor count four words at once.
func ones(b []byte) int {
	var n, n1, n2, n3 int
	for len(b) >= 64 {
		w := (*[64]byte)(b)
		n += bits.OnesCount64(word(w, 0)) + bits.OnesCount64(word(w, 32))
		n1 += bits.OnesCount64(word(w, 8)) + bits.OnesCount64(word(w, 40))
		n2 += bits.OnesCount64(word(w, 16)) + bits.OnesCount64(word(w, 48))
		n3 += bits.OnesCount64(word(w, 24)) + bits.OnesCount64(word(w, 56))
		b = b[64:]
	}
	for len(b) >= 8 {
		n += bits.OnesCount64(binary.LittleEndian.Uint64(b))
		b = b[8:]
	}
	for _, c := range b {
		n += bits.OnesCount8(c)
	}
	return n + n1 + n2 + n3
}

func word(w *[64]byte, at int) uint64 { return binary.LittleEndian.Uint64(w[at : at+8]) }

func setWord(w *[64]byte, at int, v uint64) { binary.LittleEndian.PutUint64(w[at:at+8], v) }

// skip counts the bytes at the beginning of b that are all like fill, 0x00 or 0xFF.
func skip(b []byte, fill byte) int {
	at, f := 0, uint64(fill)*0x0101010101010101
	for ; at+64 <= len(b); at += 64 {
		w := (*[64]byte)(b[at:])
		if (word(w, 0)^f)|(word(w, 8)^f)|(word(w, 16)^f)|(word(w, 24)^f)|
			(word(w, 32)^f)|(word(w, 40)^f)|(word(w, 48)^f)|(word(w, 56)^f) != 0 {
			break
		}
	}
	for ; at+8 <= len(b); at += 8 {
		if other := binary.LittleEndian.Uint64(b[at:]) ^ f; other != 0 {
			return at + bits.TrailingZeros64(other)/8
		}
	}
	for at < len(b) && b[at] == fill {
		at++
	}
	return at
}

// andBytes writes x & y to dst, all of one length. dst may be x or y itself.
func andBytes(dst, x, y []byte) {
	at := 0
	for ; at+64 <= len(dst); at += 64 {
		d, p, q := (*[64]byte)(dst[at:]), (*[64]byte)(x[at:]), (*[64]byte)(y[at:])
		setWord(d, 0, word(p, 0)&word(q, 0))
		setWord(d, 8, word(p, 8)&word(q, 8))
		setWord(d, 16, word(p, 16)&word(q, 16))
		setWord(d, 24, word(p, 24)&word(q, 24))
		setWord(d, 32, word(p, 32)&word(q, 32))
		setWord(d, 40, word(p, 40)&word(q, 40))
		setWord(d, 48, word(p, 48)&word(q, 48))
		setWord(d, 56, word(p, 56)&word(q, 56))
	}
	for ; at < len(dst); at++ {
		dst[at] = x[at] & y[at]
	}
}

// orBytes writes x | y to dst, as andBytes.
func orBytes(dst, x, y []byte) {
	at := 0
	for ; at+64 <= len(dst); at += 64 {
		d, p, q := (*[64]byte)(dst[at:]), (*[64]byte)(x[at:]), (*[64]byte)(y[at:])
		setWord(d, 0, word(p, 0)|word(q, 0))
		setWord(d, 8, word(p, 8)|word(q, 8))
		setWord(d, 16, word(p, 16)|word(q, 16))
		setWord(d, 24, word(p, 24)|word(q, 24))
		setWord(d, 32, word(p, 32)|word(q, 32))
		setWord(d, 40, word(p, 40)|word(q, 40))
		setWord(d, 48, word(p, 48)|word(q, 48))
		setWord(d, 56, word(p, 56)|word(q, 56))
	}
	for ; at < len(dst); at++ {
		dst[at] = x[at] | y[at]
	}
}

// andBytes3 writes x & y & z to dst in one pass, all of one length.
func andBytes3(dst, x, y, z []byte) {
	at := 0
	for ; at+64 <= len(dst); at += 64 {
		d, p, q, r := (*[64]byte)(dst[at:]), (*[64]byte)(x[at:]), (*[64]byte)(y[at:]), (*[64]byte)(z[at:])
		setWord(d, 0, word(p, 0)&word(q, 0)&word(r, 0))
		setWord(d, 8, word(p, 8)&word(q, 8)&word(r, 8))
		setWord(d, 16, word(p, 16)&word(q, 16)&word(r, 16))
		setWord(d, 24, word(p, 24)&word(q, 24)&word(r, 24))
		setWord(d, 32, word(p, 32)&word(q, 32)&word(r, 32))
		setWord(d, 40, word(p, 40)&word(q, 40)&word(r, 40))
		setWord(d, 48, word(p, 48)&word(q, 48)&word(r, 48))
		setWord(d, 56, word(p, 56)&word(q, 56)&word(r, 56))
	}
	for ; at < len(dst); at++ {
		dst[at] = x[at] & y[at] & z[at]
	}
}

// orBytes3 writes x | y | z to dst in one pass, all of one length.
func orBytes3(dst, x, y, z []byte) {
	at := 0
	for ; at+64 <= len(dst); at += 64 {
		d, p, q, r := (*[64]byte)(dst[at:]), (*[64]byte)(x[at:]), (*[64]byte)(y[at:]), (*[64]byte)(z[at:])
		setWord(d, 0, word(p, 0)|word(q, 0)|word(r, 0))
		setWord(d, 8, word(p, 8)|word(q, 8)|word(r, 8))
		setWord(d, 16, word(p, 16)|word(q, 16)|word(r, 16))
		setWord(d, 24, word(p, 24)|word(q, 24)|word(r, 24))
		setWord(d, 32, word(p, 32)|word(q, 32)|word(r, 32))
		setWord(d, 40, word(p, 40)|word(q, 40)|word(r, 40))
		setWord(d, 48, word(p, 48)|word(q, 48)|word(r, 48))
		setWord(d, 56, word(p, 56)|word(q, 56)|word(r, 56))
	}
	for ; at < len(dst); at++ {
		dst[at] = x[at] | y[at] | z[at]
	}
}

// xorBytes writes x ^ y to dst, as andBytes.
func xorBytes(dst, x, y []byte) { subtle.XORBytes(dst, x, y) }

// notBytes writes the complement of x to dst, both of one length.
func notBytes(dst, x []byte) {
	at := 0
	for ; at+64 <= len(dst); at += 64 {
		d, p := (*[64]byte)(dst[at:]), (*[64]byte)(x[at:])
		setWord(d, 0, ^word(p, 0))
		setWord(d, 8, ^word(p, 8))
		setWord(d, 16, ^word(p, 16))
		setWord(d, 24, ^word(p, 24))
		setWord(d, 32, ^word(p, 32))
		setWord(d, 40, ^word(p, 40))
		setWord(d, 48, ^word(p, 48))
		setWord(d, 56, ^word(p, 56))
	}
	for ; at < len(dst); at++ {
		dst[at] = ^x[at]
	}
}
