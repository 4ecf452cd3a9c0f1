// Package slowlog keeps the commands that took longest of late, as SLOWLOG shows them.
//
// A [Log] may be used from any goroutine and with any lock held; its mutex is the last of all.
package slowlog

import (
	"fmt"
	"sync"
	"time"

	"github.com/reredis/reredis/bus"
)

// What an entry keeps of a command, as in Redis.
const (
	maxArgs   = 32
	maxLength = 128
)

// Entry is one slow command. It is never changed.
type Entry struct {
	ID   int64
	At   int64 // unix seconds
	Took time.Duration
	Args []string // at most 32, each of about 128 bytes at most
	Addr string   // of the client
	Name string   // of the client, "" if it has none
}

// Log is the slow log.
type Log struct {
	mu   sync.Mutex
	max  int
	next int64 // ID
	list []*Entry
}

// New returns an empty log that keeps the newest max entries.
func New(max int64) *Log {
	l := &Log{}
	l.SetMax(max)
	return l
}

// SetMax changes how many entries are kept.
func (l *Log) SetMax(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.max = int(n)
	l.trimLocked()
}

func (l *Log) trimLocked() {
	if over := len(l.list) - l.max; over > 0 {
		clear(l.list[:over])
		l.list = l.list[over:]
	}
}

// Slow adds a command.
func (l *Log) Slow(c *bus.Ctx, s *bus.Spec, took time.Duration) {
	e := &Entry{
		At: c.Now() / 1000, Took: took, Args: trim(c.Args, s.HiddenArgs(c.Args)),
		Addr: c.Client.Addr, Name: c.Client.Name,
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	e.ID = l.next
	l.next++
	l.list = append(l.list, e)
	l.trimLocked()
}

// trim copies what an entry keeps of the arguments.
func trim(args [][]byte, hidden []int) []string {
	n := min(len(args), maxArgs)
	list := make([]string, n)
	for i := range list {
		if a := args[i]; len(a) > maxLength {
			list[i] = fmt.Sprintf("%s... (%d more bytes)", a[:maxLength], len(a)-maxLength)
		} else {
			list[i] = string(a)
		}
	}
	for _, i := range hidden {
		if i < n {
			list[i] = bus.Redacted
		}
	}
	if len(args) > maxArgs {
		list[n-1] = fmt.Sprintf("... (%d more arguments)", len(args)-maxArgs+1)
	}
	return list
}

// Len is the number of entries.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.list)
}

// Newest returns up to n entries, the newest first; all if n is negative.
func (l *Log) Newest(n int64) []*Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < 0 || n > int64(len(l.list)) {
		n = int64(len(l.list))
	}
	list := make([]*Entry, n)
	for i := range list {
		list[i] = l.list[len(l.list)-1-i]
	}
	return list
}

// Reset forgets all entries; IDs go on.
func (l *Log) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = nil
}
