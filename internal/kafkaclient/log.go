package kafkaclient

import (
	"fmt"
	"log/slog"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/internal/throttle"
)

// logger passes on what the client warns of: that a broker refuses a login is told nowhere else.
type logger struct{ log *throttle.Logger }

// Level implements kgo.Logger.
func (logger) Level() kgo.LogLevel { return kgo.LogLevelWarn }

// Log implements kgo.Logger.
func (l logger) Log(level kgo.LogLevel, msg string, keyvals ...any) {
	attrs := make([]slog.Attr, 0, len(keyvals)/2)
	for i := 0; i+1 < len(keyvals); i += 2 {
		key := fmt.Sprint(keyvals[i])
		if key == "err" {
			key = "error"
		}
		attrs = append(attrs, slog.Any(key, keyvals[i+1]))
	}
	if level == kgo.LogLevelError {
		l.log.Error("kafka: "+msg, attrs...)
	} else {
		l.log.Warn("kafka: "+msg, attrs...)
	}
}
