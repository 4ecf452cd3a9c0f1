package configs

import "testing"

// BenchmarkLoad is a start with the complete example.
func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Load([]string{"--config", "reredis.yaml", "--port", "7001"}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCurrent is what a reader pays.
func BenchmarkCurrent(b *testing.B) {
	s, err := Load(nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if s.Current().Server.Port == 0 {
			b.Fatal("no port")
		}
	}
}

// BenchmarkGetAll is CONFIG GET *.
func BenchmarkGetAll(b *testing.B) {
	s, err := Load(nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		s.Get([]string{"*"})
	}
}
