package monitor

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"

	"millrace/internal/logging"
)

// Levels holds the log level of every logger and changes it while the program runs. A logger is a part of the program that names
// itself by the attribute "logger" (millrace.agent) or "plugin" (output/elasticsearch, which Logstash calls
// logstash.outputs.elasticsearch); both programs' names are understood.
type Levels struct {
	initial slog.Level

	mu      sync.Mutex
	rules   map[string]slog.Level     // by prefix of a name, "" being all; guarded by mu
	loggers map[string]*slog.LevelVar // guarded by mu
}

// NewLevels returns levels that are all initial, the setting log.level.
func NewLevels(initial slog.Level) *Levels {
	return &Levels{initial: initial, rules: make(map[string]slog.Level), loggers: make(map[string]*slog.LevelVar)}
}

// Handler returns a handler that passes on to next what the level of its logger allows. Next has to take every level.
func (l *Levels) Handler(next slog.Handler) slog.Handler {
	return &levelled{levels: l, next: next, level: l.logger("logstash")}
}

// LevelsOf returns the levels behind a logger, nil if it has none that can be changed.
func LevelsOf(log *slog.Logger) *Levels {
	if h, ok := log.Handler().(*levelled); ok {
		return h.levels
	}
	return nil
}

// Set changes the level of a logger and of all whose names begin with it and a dot; "" and "root" are all.
func (l *Levels) Set(name string, level slog.Level) {
	name = loggerName(name)
	l.mu.Lock()
	defer l.mu.Unlock()
	maps.DeleteFunc(l.rules, func(rule string, _ slog.Level) bool { return covers(name, rule) })
	l.rules[name] = level
	l.apply()
}

// Reset gives every logger its first level.
func (l *Levels) Reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	clear(l.rules)
	l.apply()
}

// apply sets the levels of all loggers by the rules; mu is held.
func (l *Levels) apply() {
	for name, v := range l.loggers {
		v.Set(l.levelOf(name))
	}
}

// levelOf returns the level that the longest rule for name gives; mu is held.
func (l *Levels) levelOf(name string) slog.Level {
	level, longest := l.initial, -1
	for rule, lv := range l.rules {
		if covers(rule, name) && len(rule) > longest {
			level, longest = lv, len(rule)
		}
	}
	return level
}

func covers(rule, name string) bool {
	return rule == "" || rule == name || strings.HasPrefix(name, rule) && name[len(rule)] == '.'
}

func (l *Levels) logger(name string) *slog.LevelVar {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.loggers[name]
	if v == nil {
		v = new(slog.LevelVar)
		v.Set(l.levelOf(name))
		l.loggers[name] = v
	}
	return v
}

// json is the value of "loggers" in /_node/logging.
func (l *Levels) json() object {
	l.mu.Lock()
	defer l.mu.Unlock()
	var o object
	for _, name := range slices.Sorted(maps.Keys(l.loggers)) {
		o = append(o, member{name, levelName(l.loggers[name].Level())})
	}
	return o
}

// loggerName gives a logger the name that it has in Logstash.
func loggerName(name string) string {
	switch {
	case name == "root":
		return ""
	case name == "millrace" || strings.HasPrefix(name, "millrace."):
		return "logstash" + strings.TrimPrefix(name, "millrace")
	}
	if kind, plugin, ok := strings.Cut(name, "/"); ok {
		return "logstash." + kind + "s." + plugin
	}
	return name
}

// parseLevel reads one of Log4j's level names.
func parseLevel(name string) (slog.Level, error) {
	switch strings.ToUpper(name) {
	case "ALL", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL":
		if strings.EqualFold(name, "ALL") {
			name = "trace"
		}
		return logging.ParseLevel(name), nil
	case "OFF":
		return logging.LevelFatal + 1, nil
	}
	return 0, fmt.Errorf("invalid level[%s]: it is one of TRACE, DEBUG, INFO, WARN, ERROR, FATAL, OFF", name)
}

func levelName(l slog.Level) string {
	for _, n := range []struct {
		level slog.Level
		name  string
	}{{slog.LevelDebug, "TRACE"}, {slog.LevelInfo, "DEBUG"}, {slog.LevelWarn, "INFO"}, {slog.LevelError, "WARN"}, {logging.LevelFatal, "ERROR"}, {logging.LevelFatal + 1, "FATAL"}} {
		if l < n.level {
			return n.name
		}
	}
	return "OFF"
}

// levelled is the handler of one logger.
type levelled struct {
	levels *Levels
	next   slog.Handler
	level  *slog.LevelVar // of this logger; written by Levels only
}

// Enabled implements slog.Handler.
func (h *levelled) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level.Level() }

// Handle implements slog.Handler.
func (h *levelled) Handle(ctx context.Context, r slog.Record) error { return h.next.Handle(ctx, r) }

// WithAttrs implements slog.Handler.
func (h *levelled) WithAttrs(attrs []slog.Attr) slog.Handler {
	c := *h
	c.next = h.next.WithAttrs(attrs)
	for _, a := range attrs {
		name := a.Value.String()
		if a.Key == logging.LoggerKey || a.Key == "plugin" && strings.Contains(name, "/") {
			c.level = h.levels.logger(loggerName(name))
		}
	}
	return &c
}

// WithGroup implements slog.Handler.
func (h *levelled) WithGroup(name string) slog.Handler {
	c := *h
	c.next = h.next.WithGroup(name)
	return &c
}

var _ slog.Handler = (*levelled)(nil)
