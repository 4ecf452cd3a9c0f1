package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/reredis/reredis/configs"
)

// levels are the names of configs.Log.Level. "nothing" is above all that is logged.
var levels = map[string]slog.Level{
	"debug": slog.LevelDebug, "verbose": slog.LevelDebug + 2, "info": slog.LevelInfo,
	"warning": slog.LevelWarn, "nothing": slog.LevelError + 100,
}

// openLog makes the logger that the configuration asks for. level may be changed while it
// is in use; closing ends the log's file.
func openLog(c configs.Log, fallback io.Writer) (log *slog.Logger, level *slog.LevelVar, closing func() error, err error) {
	out, closing := fallback, func() error { return nil }
	if c.File != "" {
		f, err := openLogFile(c.File)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("cannot open the log file: %w", err)
		}
		out, closing = f, f.Close
	}
	level = new(slog.LevelVar)
	level.Set(levels[c.Level])
	opts := &slog.HandlerOptions{Level: level}
	switch c.Format {
	case "json":
		return slog.New(slog.NewJSONHandler(out, opts)), level, closing, nil
	case "redis":
		return slog.New(&redisHandler{out: out, level: level, mu: new(sync.Mutex)}), level, closing, nil
	default:
		return slog.New(slog.NewTextHandler(out, opts)), level, closing, nil
	}
}

// redisHandler writes lines as redis-server does, for those who read its logs:
//
//	PID:M 25 Nov 2026 10:09:02.123 * message key=value
type redisHandler struct {
	out   io.Writer
	level slog.Leveler
	mu    *sync.Mutex // one line at a time
	attrs string
}

// Enabled reports whether the level is logged.
func (h *redisHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle writes one line.
func (h *redisHandler) Handle(_ context.Context, r slog.Record) error {
	mark := byte('*')
	switch {
	case r.Level < slog.LevelDebug+2:
		mark = '.'
	case r.Level < slog.LevelInfo:
		mark = '-'
	case r.Level >= slog.LevelWarn:
		mark = '#'
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d:M %s %c %s%s", os.Getpid(), r.Time.Format("02 Jan 2006 15:04:05.000"), mark, r.Message, h.attrs)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	})
	b.WriteByte('\n')
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err := io.WriteString(h.out, b.String())
	return err
}

// WithAttrs returns a handler that adds attrs to each line.
func (h *redisHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	n := *h
	for _, a := range attrs {
		n.attrs += fmt.Sprintf(" %s=%v", a.Key, a.Value)
	}
	return &n
}

// WithGroup returns h: groups do not show in this format.
func (h *redisHandler) WithGroup(string) slog.Handler { return h }
