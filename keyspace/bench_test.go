package keyspace

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
)

// benchKeys are the sizes that the look-up benchmarks run with; -short leaves the first.
var benchKeys = []int{1_000_000, 5_000_000}

// benchKey writes key number i, 16 bytes, to b.
func benchKey(b []byte, i int) {
	copy(b, "key:")
	for p := 15; p >= 4; p-- {
		b[p] = byte('0' + i%10)
		i /= 10
	}
}

// filled returns a Space with n keys and values of 64 bytes.
func filled(tb testing.TB, n int) *Space {
	s := newSpace(tb, Options{})
	t := s.NewTx()
	key, val := make([]byte, 16), make([]byte, 64)
	for i := range val {
		val[i] = 'x'
	}
	for i := range n {
		benchKey(key, i)
		t.LockKey(key)
		if err := t.SetBytes(key, val, NoTTL); err != nil {
			tb.Fatal(err)
		}
		t.Unlock()
	}
	return s
}

func BenchmarkLook(b *testing.B) {
	for _, n := range benchKeys {
		if testing.Short() && n > benchKeys[0] {
			continue
		}
		s := filled(b, n)
		t := s.NewTx()
		r := rand.New(rand.NewPCG(1, 2))
		key := make([]byte, 16)
		b.Run(fmt.Sprintf("hit/%dM", n/1_000_000), func(b *testing.B) {
			b.ReportAllocs()
			sum := 0
			for b.Loop() {
				benchKey(key, r.IntN(n))
				t.LockKey(key)
				it, ok := t.Look(key)
				if !ok {
					b.Fatal("a key is missing")
				}
				v := it.Bytes(nil)
				sum += int(v[0])
				t.Unlock()
			}
		})
		b.Run(fmt.Sprintf("miss/%dM", n/1_000_000), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchKey(key, n+r.IntN(n))
				t.LockKey(key)
				if _, ok := t.Look(key); ok {
					b.Fatal("a key that was not set")
				}
				t.Unlock()
			}
		})
		val := make([]byte, 64)
		b.Run(fmt.Sprintf("overwrite/%dM", n/1_000_000), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchKey(key, r.IntN(n))
				t.LockKey(key)
				_ = t.SetBytes(key, val, NoTTL)
				t.Unlock()
			}
		})
		b.Run(fmt.Sprintf("setint/%dM", n/1_000_000), func(b *testing.B) {
			b.ReportAllocs()
			i := int64(0)
			for b.Loop() {
				i++
				benchKey(key, r.IntN(1000))
				t.LockKey(key)
				_ = t.SetInt(key, i, KeepTTL)
				t.Unlock()
			}
		})
		var seeds atomic.Uint64
		b.Run(fmt.Sprintf("parallel-overwrite/%dM", n/1_000_000), func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				t := s.NewTx()
				r := rand.New(rand.NewPCG(seeds.Add(1), 2))
				key := make([]byte, 16)
				for pb.Next() {
					benchKey(key, r.IntN(n))
					t.LockKey(key)
					_ = t.SetBytes(key, val, NoTTL)
					t.Unlock()
				}
			})
		})
	}
}

// BenchmarkSetNew fills a Space from empty to 1M keys, again and again.
func BenchmarkSetNew(b *testing.B) {
	const n = 1_000_000
	s := newSpace(b, Options{})
	t := s.NewTx()
	key, val := make([]byte, 16), make([]byte, 64)
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		if i == n {
			b.StopTimer()
			t.Exclusive(t.FlushAll)
			for s.returnMemory(1 << 30) {
			}
			i = 0
			b.StartTimer()
		}
		benchKey(key, i)
		i++
		t.LockKey(key)
		_ = t.SetBytes(key, val, NoTTL)
		t.Unlock()
	}
}

// BenchmarkLookCached is the look-up without cache misses: what the code itself costs.
func BenchmarkLookCached(b *testing.B) {
	s := filled(b, 1000)
	t := s.NewTx()
	keys := make([][]byte, 64)
	for i := range keys {
		keys[i] = make([]byte, 16)
		benchKey(keys[i], i)
	}
	val := make([]byte, 64)
	i := 0
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			key := keys[i&63]
			i++
			t.LockKey(key)
			it, _ := t.Look(key)
			_ = it.Bytes(nil)
			t.Unlock()
		}
	})
	b.Run("set", func(b *testing.B) {
		for b.Loop() {
			key := keys[i&63]
			i++
			t.LockKey(key)
			_ = t.SetBytes(key, val, NoTTL)
			t.Unlock()
		}
	})
	b.Run("lock", func(b *testing.B) {
		for b.Loop() {
			key := keys[i&63]
			i++
			t.LockKey(key)
			t.Unlock()
		}
	})
}

func BenchmarkCRC16(b *testing.B) {
	for _, n := range []int{8, 16, 23, 64} {
		p := make([]byte, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := uint16(0)
			for b.Loop() {
				c += crc16(p)
			}
		})
	}
	p := []byte("key:000000000001")
	b.Run("slot16", func(b *testing.B) {
		c := uint16(0)
		for b.Loop() {
			c += Slot(p)
		}
	})
}

func BenchmarkSipHash(b *testing.B) {
	k := newSipKey([16]byte{1, 2, 3})
	for _, n := range []int{8, 16, 23, 64} {
		p := make([]byte, n)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := uint64(0)
			for b.Loop() {
				c += k.sum(p)
			}
		})
	}
}

// BenchmarkKey is what the benchmarks themselves cost for each key.
func BenchmarkKey(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	key := make([]byte, 16)
	for b.Loop() {
		benchKey(key, r.IntN(5_000_000))
	}
}
