package ruby

import (
	"io"
	"strings"
	"testing"
	"time"

	"millrace/pipeline/event"
)

// FuzzRun looks for code that brings the interpreter down, or that it finds a mistake of its own in.
func FuzzRun(f *testing.F) {
	for _, line := range expressionLines(f) {
		f.Add(line, "text")
	}
	f.Fuzz(func(t *testing.T, code, content string) {
		if strings.Contains(code, "sleep") || strings.Contains(code, "File") || strings.Contains(code, "open") || strings.Contains(code, "IO") || strings.Contains(code, "foreach") {
			return // it waits, or writes files
		}
		in := New(Config{Out: io.Discard})
		p, err := in.Compile("fuzz", code, "event", "new_event_block")
		if err != nil {
			return
		}
		defer time.AfterFunc(200*time.Millisecond, in.Stop).Stop()
		e := event.New(nil)
		e.Root().Set("message", event.StringValue(content))
		e.Create(time.Unix(0, 0))
		err = p.RunEvent(e, func() *event.Event { return event.New(nil) })
		if re, ok := err.(*Error); ok && strings.HasPrefix(re.Message, "BUG") {
			t.Fatalf("%s: %v", code, err)
		}
	})
}
