package main

import (
	"os"
	"sync"
)

// logFile is a file that the log is appended to. As with redis-server it may be renamed or removed at any time, which is
// what logrotate does: a file with its name is begun then.
type logFile struct {
	name string

	mu sync.Mutex // one line at a time; guards f
	f  *os.File
}

func openLogFile(name string) (*logFile, error) {
	f, err := appendTo(name)
	if err != nil {
		return nil, err
	}
	return &logFile{name: name, f: f}, nil
}

func appendTo(name string) (*os.File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
}

// Write appends a line.
func (l *logFile) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.moved() {
		if f, err := appendTo(l.name); err == nil { // otherwise the old one is better than none
			_ = l.f.Close()
			l.f = f
		}
	}
	return l.f.Write(line)
}

// moved reports whether the name leads to another file now, or to none.
func (l *logFile) moved() bool {
	there, err := os.Stat(l.name)
	if err != nil {
		return true
	}
	here, err := l.f.Stat()
	return err == nil && !os.SameFile(there, here)
}

// Close ends the file.
func (l *logFile) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Close()
}
