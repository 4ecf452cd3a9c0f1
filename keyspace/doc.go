// Package keyspace holds every key of every database in memory.
package keyspace
