// Package logging writes log lines in the two forms that tools around Logstash read.
package logging

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"

	"millrace/pipeline/event"
)

// Level names, as log.level takes them. LevelTrace and LevelFatal are beyond slog's own.
const (
	LevelTrace = slog.LevelDebug - 4
	LevelFatal = slog.LevelError + 4
)

// ParseLevel returns the level of a name; info if it is unknown.
func ParseLevel(name string) slog.Level {
	switch strings.ToLower(name) {
	case "trace":
		return LevelTrace
	case "debug":
		return slog.LevelDebug
	case "warn":
		return slog.LevelWarn
	case "error":
		return slog.LevelError
	case "fatal":
		return LevelFatal
	}
	return slog.LevelInfo
}

func levelName(l slog.Level) string {
	switch {
	case l < slog.LevelDebug:
		return "TRACE"
	case l < slog.LevelInfo:
		return "DEBUG"
	case l < slog.LevelWarn:
		return "INFO"
	case l < slog.LevelError:
		return "WARN"
	case l < LevelFatal:
		return "ERROR"
	}
	return "FATAL"
}

// LoggerKey is the attribute that names the part of the program that speaks.
const LoggerKey = "logger"

// Handler is a slog.Handler for both forms. Handlers derived from one share its writer.
type Handler struct {
	out    *output
	level  slog.Leveler
	json   bool
	logger string
	attrs  []slog.Attr
	group  string
}

type output struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte
}

// NewHandler returns a handler that writes messages of at least level to w: in the form of log.format json if asJSON, else plain.
func NewHandler(w io.Writer, level slog.Leveler, asJSON bool) *Handler {
	return &Handler{out: &output{w: w}, level: level, json: asJSON, logger: "millrace"}
}

// Enabled implements slog.Handler.
func (h *Handler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// WithAttrs implements slog.Handler.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.attrs = slices.Clip(h.attrs)
	for _, a := range attrs {
		if a.Key == LoggerKey {
			c.logger = a.Value.String()
			continue
		}
		a.Key = h.group + a.Key
		c.attrs = append(c.attrs, a)
	}
	return &c
}

// WithGroup implements slog.Handler.
func (h *Handler) WithGroup(name string) slog.Handler {
	c := *h
	c.group += name + "."
	return &c
}

// Handle implements slog.Handler.
func (h *Handler) Handle(_ context.Context, r slog.Record) error {
	h.out.mu.Lock()
	defer h.out.mu.Unlock()
	if h.json {
		h.out.buf = h.appendJSON(h.out.buf[:0], r)
	} else {
		h.out.buf = h.appendPlain(h.out.buf[:0], r)
	}
	_, err := h.out.w.Write(h.out.buf)
	return err
}

func (h *Handler) each(r slog.Record, f func(key string, v slog.Value)) {
	for _, a := range h.attrs {
		f(a.Key, a.Value.Resolve())
	}
	r.Attrs(func(a slog.Attr) bool {
		f(h.group+a.Key, a.Value.Resolve())
		return true
	})
}

// appendPlain writes [2026-11-20T23:14:10,649][INFO ][logger                   ] message {key=value, …}.
func (h *Handler) appendPlain(b []byte, r slog.Record) []byte {
	b = append(b, '[')
	b = r.Time.AppendFormat(b, "2006-01-02T15:04:05,000")
	b = append(b, "]["...)
	b = appendPadded(b, levelName(r.Level), 5)
	b = append(b, "]["...)
	b = appendPadded(b, h.logger, 25)
	b = append(b, "] "...)
	b = append(b, r.Message...)
	first := true
	h.each(r, func(key string, v slog.Value) {
		if first {
			b = append(b, " {"...)
		} else {
			b = append(b, ", "...)
		}
		first = false
		b = append(append(b, key...), '=')
		b = appendValue(b, v)
	})
	if !first {
		b = append(b, '}')
	}
	return append(b, '\n')
}

func appendPadded(b []byte, s string, width int) []byte {
	b = append(b, s...)
	for n := len(s); n < width; n++ {
		b = append(b, ' ')
	}
	return b
}

// appendValue writes numbers and booleans bare and anything else in quotes where it needs them.
func appendValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindInt64, slog.KindUint64, slog.KindFloat64, slog.KindBool, slog.KindDuration:
		return append(b, v.String()...)
	}
	return strconv.AppendQuote(b, v.String())
}

// appendJSON writes {"level":"INFO","loggerName":"…","timeMillis":…,"thread":"main","logEvent":{"message":"…",…}}.
func (h *Handler) appendJSON(b []byte, r slog.Record) []byte {
	b = append(b, `{"level":"`...)
	b = append(b, levelName(r.Level)...)
	b = append(b, `","loggerName":`...)
	b = event.AppendJSONString(b, h.logger)
	b = append(b, `,"timeMillis":`...)
	b = strconv.AppendInt(b, r.Time.UnixMilli(), 10)
	b = append(b, `,"thread":"main","logEvent":{"message":`...)
	b = event.AppendJSONString(b, r.Message)
	h.each(r, func(key string, v slog.Value) {
		if key == "message" {
			key = "message_1"
		}
		b = append(b, ',')
		b = append(event.AppendJSONString(b, key), ':')
		switch v.Kind() {
		case slog.KindInt64, slog.KindUint64, slog.KindBool:
			b = append(b, v.String()...)
		case slog.KindDuration:
			b = strconv.AppendFloat(b, v.Duration().Seconds(), 'f', -1, 64)
		default:
			b = event.AppendJSONString(b, v.String())
		}
	})
	return append(b, "}}\n"...)
}

var _ slog.Handler = (*Handler)(nil)

// Discard is a logger that writes nothing, for tests and sub-commands.
func Discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
