//go:build soak

package keyspace

const soak = true
