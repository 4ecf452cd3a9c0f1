// Package arch holds no code, only tests that keep the structure of Reredis:
// which folder may import which (arch_test.go), and what every source file owes
// its reader (source_test.go).
package arch
