//go:build unix && !linux

package server

// setKeepaliveTimes leaves the system's times: their names differ everywhere.
func setKeepaliveTimes(int, int) {}
