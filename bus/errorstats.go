package bus

import (
	"maps"
	"strings"
	"sync"
)

// maxErrorKinds bounds the number of error codes that are counted apart, as Redis does;
// clients can invent codes only through scripts.
const maxErrorKinds = 128

// errorStats counts error replies by their code.
type errorStats struct {
	mu    sync.Mutex
	total uint64
	kinds map[string]uint64
}

// add counts the error reply text.
func (e *errorStats) add(text string) {
	code := errorCode(text)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total++
	if e.kinds == nil {
		e.kinds = map[string]uint64{}
	}
	if _, known := e.kinds[code]; known || len(e.kinds) < maxErrorKinds {
		e.kinds[code]++
	}
}

// errorCode is the first word of an error, "ERR" if that is no code.
func errorCode(text string) string {
	code, _, _ := strings.Cut(text, " ")
	if code == "" || len(code) > 32 || strings.ContainsFunc(code, func(r rune) bool {
		return r != '_' && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}) {
		return "ERR"
	}
	return code
}

// Errors returns the number of error replies, in total and by code ("ERR", "WRONGTYPE").
func (b *Bus) Errors() (total uint64, byCode map[string]uint64) {
	b.errs.mu.Lock()
	defer b.errs.mu.Unlock()
	return b.errs.total, maps.Clone(b.errs.kinds)
}

// reset forgets all counts.
func (e *errorStats) reset() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.total, e.kinds = 0, nil
}
