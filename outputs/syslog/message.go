package syslog

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"millrace/internal/netout"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// The names of facilities and severities; the place of each is its number. Two names stand there twice; the first place counts.
var (
	facilities = []string{
		"kernel", "user-level", "mail", "daemon", "security/authorization", "syslogd", "line printer", "network news", "uucp", "clock",
		"security/authorization", "ftp", "ntp", "log audit", "log alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5",
		"local6", "local7",
	}
	severities = []string{"emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"}
)

func indexOf(names []string, name string) int { return slices.Index(names, name) }

// What takes the place of a facility, severity or priority that is none.
const (
	userLevel       = 1
	notice          = 5
	defaultPriority = userLevel*8 + notice
	maxPriority     = 191
)

var (
	stamp3164 = event.ParseTemplate("%{+MMM dd HH:mm:ss}")
	stamp5424 = event.ParseTemplate("%{+YYYY-MM-dd'T'HH:mm:ss.SSSZZ}")
)

// maker makes messages of events. It is used by one worker.
type maker struct {
	o    *Options
	enc  plugin.Encoder // nil: the option message makes the text
	text []byte
	errs []error
}

// put appends what a template makes of e.
func (m *maker) put(dst []byte, t *event.Template, e *event.Event) []byte {
	out, err := t.Append(dst, e)
	if err != nil {
		m.errs = append(m.errs, err)
		return dst
	}
	return out
}

// append appends the message of an event.
func (m *maker) append(t *netout.Turn, e *event.Event) error {
	m.errs = m.errs[:0]
	d := t.Data
	if m.o.ShowPriority {
		d = append(strconv.AppendInt(append(d, '<'), int64(m.priority(e)), 10), '>')
	}
	if m.o.RFC == "rfc3164" {
		d = append(m.put(d, &stamp3164, e), ' ')
		d = append(m.put(d, &m.o.SourceHost, e), ' ')
		d = append(m.put(d, &m.o.AppName, e), '[')
		d = append(m.put(d, &m.o.ProcID, e), "]: "...)
	} else {
		if m.o.ShowPriority {
			d = append(d, "1 "...)
		}
		d = append(m.put(d, &stamp5424, e), ' ')
		d = append(m.put(d, &m.o.SourceHost, e), ' ')
		d = append(m.put(d, &m.o.AppName, e), ' ')
		d = append(m.put(d, &m.o.ProcID, e), ' ')
		d = append(m.put(d, &m.o.MsgID, e), ' ')
		start := len(d)
		if d = m.put(d, &m.o.StructuredData, e); len(d) == start {
			d = append(d, '-')
		}
		d = append(d, ' ')
	}
	d = append(m.body(d, e), '\n')
	if err := errors.Join(m.errs...); err != nil {
		return err
	}
	t.Data = d
	return nil
}

// body appends the text of the message, which is one line.
func (m *maker) body(dst []byte, e *event.Event) []byte {
	if m.enc == nil {
		m.text = m.put(m.text[:0], &m.o.Message, e)
	} else {
		text, err := m.enc.AppendEncode(m.text[:0], e)
		if err != nil {
			m.errs = append(m.errs, err)
			return dst
		}
		m.text = text
	}
	text := strings.TrimRight(string(m.text), " \t\n\v\f\r\x00")
	for {
		line, rest, more := strings.Cut(text, "\n")
		if more {
			line = strings.TrimSuffix(line, "\r")
		}
		dst = append(dst, line...)
		if !more {
			return dst
		}
		dst = append(dst, `\n`...)
		text = rest
	}
}

// priority returns the number that a message begins with.
func (m *maker) priority(e *event.Event) int {
	if !m.o.UseLabels {
		n, err := strconv.Atoi(strings.TrimSpace(string(m.put(nil, &m.o.Priority, e))))
		if err != nil || n < 0 || n > maxPriority {
			return defaultPriority
		}
		return n
	}
	facility := indexOf(facilities, string(m.put(nil, &m.o.Facility, e)))
	if facility < 0 {
		facility = userLevel
	}
	severity := indexOf(severities, string(m.put(nil, &m.o.Severity, e)))
	if severity < 0 {
		severity = notice
	}
	return facility*8 + severity
}
