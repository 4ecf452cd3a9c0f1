//go:build !linux

package commands

import "runtime"

// osName is the system's name and machine.
func osName() string { return runtime.GOOS + " " + runtime.GOARCH }

// residentBytes is the memory of the process that is in RAM: unknown here.
func residentBytes() int64 { return 0 }

// systemMemory is the RAM of the machine: unknown here.
func systemMemory() int64 { return 0 }

// cpuTimes returns the processor time spent: unknown here.
func cpuTimes() (self, children, thread cpuTime, perThread bool) { return }
