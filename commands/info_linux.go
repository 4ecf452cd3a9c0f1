package commands

import (
	"bytes"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// osName is the system's name, release and machine, as uname -srm.
func osName() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return "Linux"
	}
	s := unix.ByteSliceToString
	return s(u.Sysname[:]) + " " + s(u.Release[:]) + " " + s(u.Machine[:])
}

// residentBytes is the memory of the process that is in RAM, 0 if unknown.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	f := bytes.Fields(text)
	if len(f) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(f[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// systemMemory is the RAM of the machine in bytes, 0 if unknown.
func systemMemory() int64 {
	var si unix.Sysinfo_t
	if unix.Sysinfo(&si) != nil {
		return 0
	}
	return int64(si.Totalram) * int64(si.Unit)
}

// cpuTimes returns the processor time of the process, of its children and of the
// calling thread.
func cpuTimes() (self, children, thread cpuTime, perThread bool) {
	read := func(who int) cpuTime {
		var ru unix.Rusage
		if unix.Getrusage(who, &ru) != nil {
			return cpuTime{}
		}
		return cpuTime{time.Duration(ru.Stime.Nano()), time.Duration(ru.Utime.Nano())}
	}
	return read(unix.RUSAGE_SELF), read(unix.RUSAGE_CHILDREN), read(unix.RUSAGE_THREAD), true
}
