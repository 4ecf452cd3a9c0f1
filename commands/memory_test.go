package commands_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestMemoryUsage(t *testing.T) {
	cl := newRig(t).connect()
	for _, c := range []struct{ size, least, most int64 }{
		{1, 1, 100}, {100, 100, 250}, {33_000, 33_000, 42_000}, {100_000, 100_000, 130_000}, {10_000_000, 10_000_000, 10_100_000},
	} {
		cl.do("SET", "k", strings.Repeat("A", 100_000)) // a smaller value takes none of the room of a larger one
		cl.do("SET", "k", strings.Repeat("A", int(c.size)))
		if n := cl.do("MEMORY", "USAGE", "k").Int; n < c.least || n > c.most {
			t.Errorf("%d bytes take %d", c.size, n)
		}
	}
}

// TestMemoryUsageLikeRedis compares all replies that are no sizes.
func TestMemoryUsageLikeRedis(t *testing.T) {
	theirs, ours := newRemote(t), newRig(t).connect()
	for _, line := range []string{
		"SET k v", "MEMORY", "MEMORY NOPE", "MEMORY USAGE", "MEMORY USAGE none", "MEMORY USAGE none SAMPLES", "MEMORY USAGE k samples x",
		"MEMORY USAGE k SAMPLES -1", "MEMORY USAGE k SAMPLES 1 SAMPLES", "MEMORY USAGE k x 1", "MEMORY USAGE none SAMPLES 0 samples 3", "MEMORY HELP x",
		"MEMORY HELP", "MEMORY PURGE", "MEMORY PURGE x", "MEMORY STATS x", "MEMORY DOCTOR", "MEMORY DOCTOR x", "MEMORY MALLOC-STATS x",
		"MULTI", "MEMORY PURGE", "MEMORY DOCTOR", "EXEC",
	} {
		a, b := show(ours.do(strings.Fields(line)...)), show(theirs.do(strings.Fields(line)...))
		if a != b {
			t.Errorf("%s\n  answers %s\n  Redis   %s", line, a, b)
		}
	}
}

// TestMemoryStatsLikeRedis: the same fields in the same order, each of the same kind.
func TestMemoryStatsLikeRedis(t *testing.T) {
	theirs, ours := newRemote(t), newRig(t).connect()
	var fields [2][]string
	for i, s := range []server{theirs, ours} {
		for _, line := range []string{"SET k v", "SELECT 3", "SETEX k 1000 v", "HELLO 3"} {
			s.do(strings.Fields(line)...)
		}
		v := s.do("MEMORY", "STATS")
		for j := 0; j < len(v.Elems); j += 2 {
			name, value := string(v.Elems[j].Str), v.Elems[j+1]
			fields[i] = append(fields[i], name+" "+string(rune(value.Kind)))
			for k := 0; k < len(value.Elems); k += 2 {
				fields[i] = append(fields[i], name+"."+string(value.Elems[k].Str))
			}
		}
	}
	if !slices.Equal(fields[0], fields[1]) {
		t.Errorf("MEMORY STATS\n  has   %q\n  Redis %q", fields[1], fields[0])
	}
}

// TestMemoryStats: the figures fit those of INFO and each other.
func TestMemoryStats(t *testing.T) {
	r := newRig(t)
	cl := r.connect()
	r.net.Buffers = 12345
	for i := range 5000 {
		cl.do("SETEX", "key"+strconv.Itoa(i), "1000", "value")
	}
	info := infoFieldsOf(cl.do("INFO", "memory"))
	v, got := cl.do("MEMORY", "STATS"), map[string]string{}
	for j := 0; j < len(v.Elems); j += 2 {
		got[string(v.Elems[j].Str)] = strings.Trim(show(v.Elems[j+1]), `"`)
	}
	for stat, field := range map[string]string{
		"total.allocated": "used_memory", "peak.allocated": "used_memory_peak", "overhead.total": "used_memory_overhead",
		"dataset.bytes": "used_memory_dataset", "clients.normal": "mem_clients_normal",
	} {
		if got[stat] != info[field] || got[stat] == "0" {
			t.Errorf("%s is %s, %s in INFO %s", stat, got[stat], field, info[field])
		}
	}
	number := func(stat string) int { n, _ := strconv.Atoi(got[stat]); return n }
	if sum := number("overhead.total") + number("dataset.bytes"); sum != number("total.allocated") || number("keys.count") != 5000 ||
		number("keys.bytes-per-key") != sum/5000 {
		t.Errorf("%v", got)
	}
	if text := string(cl.do("MEMORY", "MALLOC-STATS").Str); !strings.Contains(text, "cells in use") {
		t.Errorf("MALLOC-STATS: %s", text)
	}
}
