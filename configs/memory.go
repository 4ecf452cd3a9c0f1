package configs

import (
	"bufio"
	"bytes"
	"math"
	"os"
	"strconv"
	"strings"
)

// TotalMemory is the memory that this process may use, in bytes: the limit of
// its control group, or what the machine has; 0 if neither can be read.
func TotalMemory() int64 {
	total := machineMemory()
	for _, file := range []string{
		"/sys/fs/cgroup/memory.max",                   // version 2
		"/sys/fs/cgroup/memory/memory.limit_in_bytes", // version 1
	} {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		// "max" and version 1's huge number mean that there is no limit.
		if n, err := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64); err == nil && n > 0 && n < math.MaxInt64/2 {
			if total == 0 || n < total {
				total = n
			}
		}
	}
	return total
}

// machineMemory reads MemTotal where there is a /proc.
func machineMemory() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }() // only read
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemTotal:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(rest, "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return kib << 10
		}
	}
	return 0
}
