// Package throttle logs what may happen for every event at a bounded rate, without losing count.
package throttle

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Logger passes each message at most once an interval; the next that passes tells how many were held back. Messages are told apart by
// their text, so the text must be a constant.
type Logger struct {
	log   *slog.Logger
	every time.Duration

	mu   sync.Mutex
	last map[string]*state
}

type state struct {
	at   time.Time
	held int64
}

// New returns a Logger that passes each message once every interval.
func New(log *slog.Logger, every time.Duration) *Logger {
	return &Logger{log: log, every: every, last: make(map[string]*state)}
}

// Warn logs a warning.
func (l *Logger) Warn(msg string, attrs ...slog.Attr) { l.emit(slog.LevelWarn, msg, attrs) }

// Error logs an error.
func (l *Logger) Error(msg string, attrs ...slog.Attr) { l.emit(slog.LevelError, msg, attrs) }

func (l *Logger) emit(level slog.Level, msg string, attrs []slog.Attr) {
	held, ok := l.pass(msg)
	if !ok {
		return
	}
	if held > 0 {
		attrs = append(attrs, slog.Int64("repeated", held))
	}
	l.log.LogAttrs(context.Background(), level, msg, attrs...)
}

func (l *Logger) pass(msg string) (held int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.last[msg]
	now := time.Now()
	if s == nil {
		l.last[msg] = &state{at: now}
		return 0, true
	}
	if now.Sub(s.at) < l.every {
		s.held++
		return 0, false
	}
	held, s.held, s.at = s.held, 0, now
	return held, true
}
