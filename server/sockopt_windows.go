package server

func (l *listener) setBacklog(int) {}

// setOptions does nothing: package net sets TCP_NODELAY, and the system's probes remain.
func (l *listener) setOptions(*Settings) {}
