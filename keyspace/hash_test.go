package keyspace

import (
	"encoding/binary"
	"testing"
)

// TestCRC16 compares with the bytewise definition and with known slots.
func TestCRC16(t *testing.T) {
	r := seed(t)
	for n := range 70 {
		p := randomBytes(r, n)
		var c uint16
		for _, b := range p {
			c ^= uint16(b) << 8
			for range 8 {
				if c&0x8000 != 0 {
					c = c<<1 ^ crcPoly
				} else {
					c <<= 1
				}
			}
		}
		if got := crc16(p); got != c {
			t.Fatalf("crc16 of %d bytes: %#x, want %#x", n, got, c)
		}
	}
	for key, want := range map[string]uint16{
		"123456789":     0x31C3,
		"foo":           12182,
		"{foo}bar":      12182,
		"x{foo}":        12182,
		"{}foo":         crc16([]byte("{}foo")) & slotMask,
		"{foo":          crc16([]byte("{foo")) & slotMask,
		"foo{{bar}}zap": crc16([]byte("{bar")) & slotMask,
		"foo{bar}{zap}": crc16([]byte("bar")) & slotMask,
		"}{foo}":        12182,
		"":              0,
	} {
		if got := Slot([]byte(key)); got != want&slotMask {
			t.Errorf("slot of %q: %d, want %d", key, got, want)
		}
	}
}

// TestSipHash compares with a plain SipHash-1-3 that follows the definition.
func TestSipHash(t *testing.T) {
	r := seed(t)
	var key [16]byte
	copy(key[:], randomBytes(r, 16))
	k := newSipKey(key)
	for n := range 70 {
		p := randomBytes(r, n)
		if got, want := k.sum(p), plainSip13(key, p); got != want {
			t.Fatalf("%d bytes: %#x, want %#x", n, got, want)
		}
	}
	// The published vector of SipHash-1-3: key 00 01 ... 0f, message 00 01 ... 0e.
	for i := range key {
		key[i] = byte(i)
	}
	k = newSipKey(key)
	msg := make([]byte, 15)
	for i := range msg {
		msg[i] = byte(i)
	}
	if got := k.sum(nil); got != 0xabac0158050fc4dc {
		t.Errorf("empty message: %#x", got)
	}
}

func plainSip13(key [16]byte, p []byte) uint64 {
	k0, k1 := binary.LittleEndian.Uint64(key[:8]), binary.LittleEndian.Uint64(key[8:])
	v := [4]uint64{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573}
	rotl := func(x uint64, n int) uint64 { return x<<n | x>>(64-n) }
	round := func() {
		v[0] += v[1]
		v[1] = rotl(v[1], 13) ^ v[0]
		v[0] = rotl(v[0], 32)
		v[2] += v[3]
		v[3] = rotl(v[3], 16) ^ v[2]
		v[0] += v[3]
		v[3] = rotl(v[3], 21) ^ v[0]
		v[2] += v[1]
		v[1] = rotl(v[1], 17) ^ v[2]
		v[2] = rotl(v[2], 32)
	}
	padded := append([]byte(nil), p...)
	for len(padded)%8 != 7 {
		padded = append(padded, 0)
	}
	padded = append(padded, byte(len(p)))
	for i := 0; i < len(padded); i += 8 {
		m := binary.LittleEndian.Uint64(padded[i:])
		v[3] ^= m
		round()
		v[0] ^= m
	}
	v[2] ^= 0xff
	for range 3 {
		round()
	}
	return v[0] ^ v[1] ^ v[2] ^ v[3]
}
