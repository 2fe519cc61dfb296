package csv

import (
	"errors"
	"strconv"
	"strings"

	"millrace/codecs/internal/message"
	"millrace/internal/charset"
	"millrace/pipeline/event"
)

var (
	errQuoting  = errors.New("illegal quoting")
	errUnclosed = errors.New("unclosed quoted field")
	errTrailing = errors.New("text after a quoted field")
)

type decoder struct {
	o        *Options
	convert  map[string]converter
	columns  []string
	names    []string // of columns without one: column1 …
	header   string   // the row that columns was read from
	text     *charset.Decoder
	original bool
}

// Decode implements plugin.Decoder.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	text := d.text.Decode(e.Arena, r.Data)
	for _, f := range r.Meta {
		if f.Key == headerField && f.Val.Str() != d.header {
			d.readHeader(f.Val.Str())
		}
	}
	if err := d.row(e, text); err != nil {
		e.Root().Clear()
		e.Root().Set("message", event.StringValue(text))
		e.Tag(FailureTag)
		return
	}
	if d.original {
		message.SetOriginal(e, text)
	}
}

// readHeader takes the names of the columns from the first row of a stream.
func (d *decoder) readHeader(row string) {
	d.header, d.columns = row, nil
	var arena event.Arena
	for text := d.text.Decode(&arena, row); ; {
		v, rest, more, err := d.value(&arena, text)
		if err != nil {
			return // the header is no CSV: columns are numbered
		}
		d.columns = append(d.columns, v.Str())
		if !more {
			return
		}
		text = rest
	}
}

// row sets the columns of a row.
func (d *decoder) row(e *event.Event, text string) error {
	o := e.NewObject()
	for i := 0; ; i++ {
		v, rest, more, err := d.value(e.Arena, text)
		if err != nil {
			return err
		}
		if name, ok := d.name(i); ok && !(d.o.SkipEmptyColumns && v.Str() == "") {
			if convert := d.convert[name]; convert != nil && v.Kind() == event.String {
				v = convert(v.Str())
			}
			o.Set(name, v)
		}
		if !more {
			break
		}
		text = rest
	}
	if !d.o.Target.IsZero() {
		return e.Set(&d.o.Target, event.ObjectValue(o))
	}
	e.SetRoot(o)
	return nil
}

// name returns the name of column i, false if the column is to be left out.
func (d *decoder) name(i int) (string, bool) {
	if i < len(d.columns) && d.columns[i] != "" {
		return d.columns[i], true
	}
	if !d.o.AutogenerateColumnNames {
		return "", false
	}
	for len(d.names) <= i {
		d.names = append(d.names, "column"+strconv.Itoa(len(d.names)+1))
	}
	return d.names[i], true
}

// value reads the first value of s as Ruby's CSV does: nothing at all is null, two quotes are the empty string, and a quote inside a
// value without quotes is an error. more tells that a separator followed.
func (d *decoder) value(arena *event.Arena, s string) (v event.Value, rest string, more bool, err error) {
	quote, sep := d.o.QuoteChar, d.o.Separator
	if !strings.HasPrefix(s, quote) {
		text, rest, more := strings.Cut(s, sep)
		switch {
		case strings.Contains(text, quote):
			return v, "", false, errQuoting
		case text == "":
			return v, rest, more, nil
		}
		return event.StringValue(text), rest, more, nil
	}
	s = s[len(quote):]
	end := strings.Index(s, quote)
	if end < 0 {
		return v, "", false, errUnclosed
	}
	text, s := s[:end], s[end+len(quote):]
	if strings.HasPrefix(s, quote) {
		if text, s, err = unquote(arena, text, s, quote); err != nil {
			return v, "", false, err
		}
	}
	if s != "" {
		if s, more = strings.CutPrefix(s, sep); !more {
			return v, "", false, errTrailing
		}
	}
	return event.StringValue(text), s, more, nil
}

// unquote reads on behind a value's first doubled quote, of which s holds the second half.
func unquote(arena *event.Arena, text, s, quote string) (_, rest string, err error) {
	dst := append(arena.Free(), text...)
	for strings.HasPrefix(s, quote) {
		s = s[len(quote):]
		end := strings.Index(s, quote)
		if end < 0 {
			return "", "", errUnclosed
		}
		dst = append(append(dst, quote...), s[:end]...)
		s = s[end+len(quote):]
	}
	return arena.Take(dst), s, nil
}
