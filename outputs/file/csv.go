package file

import (
	"errors"
	"fmt"
	"strings"
	"unsafe"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// CSV is the csv output: the same files, with some fields of each event as a row.
var CSV = plugin.DefineOutput("csv", CSVOptions{Options: defaults, SpreadsheetSafe: true}, NewCSV, plugin.Borrowing())

// CSVOptions configures the csv output. Each event is a row; the files are those of the file output. The option codec has no effect.
type CSVOptions struct {
	Options

	// Fields to write, in this order. A hash is written as JSON; a field that is missing is left empty.
	Fields []event.Path `opt:"fields,required"`

	// How rows are written, as Ruby's CSV has it: col_sep (","), row_sep (a newline), quote_char ("\""), force_quotes, quote_empty,
	// write_nil_value, write_empty_value. In the separators \t, \r and \n stand for what they do elsewhere.
	CSVOptions config.Map[string] `opt:"csv_options"`

	// Put an apostrophe in front of texts that begin with an equals sign, so that no spreadsheet takes them for formulas.
	SpreadsheetSafe bool `opt:"spreadsheet_safe"`
}

// NewCSV checks the options; nothing is opened.
func NewCSV(o CSVOptions, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	if len(o.Fields) == 0 {
		errs = append(errs, plugin.OptionError("fields", errors.New("a row needs at least one field")))
	}
	style, err := o.style(env)
	out, fileErr := newOutput(o.Options, env, func() plugin.Encoder { return &rows{fields: o.Fields, style: style, safe: o.SpreadsheetSafe} })
	if err := errors.Join(append(errs, err, fileErr)...); err != nil {
		return nil, err
	}
	return out, nil
}

// style is how rows are written.
type style struct {
	column, row, quote string
	always             bool   // quote every value
	empty              string // what stands for the empty text
	null               string // for what is missing
}

// unescape reads what stands for characters that are hard to write.
var unescape = strings.NewReplacer(`\t`, "\t", `\r`, "\r", `\n`, "\n")

// style reads csv_options.
func (o *CSVOptions) style(env *plugin.Env) (style, error) {
	s := style{column: ",", row: "\n", quote: `"`}
	quoteEmpty := true
	empty, given := "", false
	var errs []error
	flag := func(p config.Pair[string, string], to *bool) {
		switch p.Value {
		case "true", "false":
			*to = p.Value == "true"
		default:
			errs = append(errs, plugin.EntryError("csv_options", p.Key, fmt.Errorf("%q is neither true nor false", p.Value)))
		}
	}
	for _, p := range o.CSVOptions {
		switch strings.TrimPrefix(p.Key, ":") {
		case "col_sep":
			s.column = unescape.Replace(p.Value)
		case "row_sep":
			if p.Value != "auto" && p.Value != ":auto" {
				s.row = unescape.Replace(p.Value)
			}
		case "quote_char":
			s.quote = p.Value
		case "force_quotes":
			flag(p, &s.always)
		case "quote_empty":
			flag(p, &quoteEmpty)
		case "write_nil_value":
			s.null = p.Value
		case "write_empty_value":
			empty, given = p.Value, true
		default:
			env.Warn("csv_options", "%q has no effect: rows are written without headers and converters, and nothing is read", p.Key)
		}
	}
	if s.column == "" {
		errs = append(errs, plugin.EntryError("csv_options", "col_sep", errors.New("a separator has a character")))
	}
	if len([]rune(s.quote)) != 1 {
		errs = append(errs, plugin.EntryError("csv_options", "quote_char", fmt.Errorf("must be one character, not %q", s.quote)))
	}
	switch {
	case given:
		s.empty = empty
	case quoteEmpty:
		s.empty = s.quote + s.quote
	}
	return s, errors.Join(errs...)
}

// rows writes fields of events as rows.
type rows struct {
	fields []event.Path
	style  style
	safe   bool
	text   []byte // scratch for one value
}

// AppendEncode implements plugin.Encoder.
func (r *rows) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	for i := range r.fields {
		if i > 0 {
			dst = append(dst, r.style.column...)
		}
		v, _ := e.Get(&r.fields[i])
		dst = r.appendValue(dst, v)
	}
	return append(dst, r.style.row...), nil
}

// appendValue writes a value as Ruby's CSV does, which quotes what holds a separator, a quote or a line end, or begins with a space.
func (r *rows) appendValue(dst []byte, v event.Value) []byte {
	s := &r.style
	r.text = r.text[:0]
	switch v.Kind() {
	case event.Null:
		r.text = append(r.text, s.null...)
		if len(r.text) == 0 {
			if s.always {
				return append(append(dst, s.quote...), s.quote...)
			}
			return dst
		}
	case event.KindObject:
		r.text = v.AppendJSON(r.text)
	case event.String:
		if r.text = v.AppendText(r.text); r.safe && len(r.text) > 0 && r.text[0] == '=' {
			r.text = append([]byte("'"), r.text...)
		}
		if len(r.text) == 0 && !s.always {
			return append(dst, s.empty...)
		}
	default:
		r.text = v.AppendRubyText(r.text)
	}
	text := unsafe.String(unsafe.SliceData(r.text), len(r.text)) // read before the next value is written
	if !s.always && !strings.Contains(text, s.column) && !strings.Contains(text, s.quote) && !strings.ContainsAny(text, "\r\n") &&
		text[0] != ' ' && text[0] != '\t' {
		return append(dst, text...)
	}
	dst = append(dst, s.quote...)
	for {
		before, after, more := strings.Cut(text, s.quote)
		dst = append(dst, before...)
		if !more {
			return append(dst, s.quote...)
		}
		dst = append(append(dst, s.quote...), s.quote...)
		text = after
	}
}
