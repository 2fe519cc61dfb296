package multiline

import (
	"strings"

	"millrace/codecs/internal/message"
	"millrace/internal/charset"
	"millrace/pipeline/event"
)

// Tags of messages that ended because they had grown too long.
const (
	MaxLinesTag = "multiline_codec_max_lines_reached"
	MaxBytesTag = "multiline_codec_max_bytes_reached"

	lineTooLong = "_linetoolong" // as the line codec tags it
)

// decoder makes an event of a message. Its tags follow from its text, so the framer need not tell them.
type decoder struct {
	o        *Options
	text     *charset.Decoder
	original bool
}

// Decode implements plugin.Decoder.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	newlines := strings.Count(r.Data, "\n")
	text := r.Data
	if !d.text.Clean(text) {
		text = e.Arena.Take(d.appendLines(e.Arena.Free(), text))
	}
	for _, f := range r.Meta {
		if f.Key == event.TimestampField {
			e.Root().Set(f.Key, f.Val)
		}
	}
	e.Root().Set("message", event.StringValue(text))
	if newlines > 0 && d.o.MultilineTag != "" {
		e.Tag(d.o.MultilineTag)
	}
	if len(text)-newlines >= int(d.o.MaxBytes) {
		e.Tag(MaxBytesTag)
	}
	if newlines >= d.o.MaxLines {
		e.Tag(MaxLinesTag)
	}
	if d.original {
		message.SetOriginal(e, text)
	}
}

// appendLines converts line by line: the newlines were found before any conversion.
func (d *decoder) appendLines(dst []byte, s string) []byte {
	for {
		line, rest, more := strings.Cut(s, "\n")
		dst = d.text.Append(dst, line)
		if !more {
			return dst
		}
		dst = append(dst, '\n')
		s = rest
	}
}
