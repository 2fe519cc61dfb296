// Package csv reads and writes comma-separated values.
package csv

import (
	"errors"
	"fmt"
	"sync/atomic"
	"unicode/utf8"

	"millrace/internal/charset"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("csv", Options{Separator: ",", QuoteChar: `"`, AutogenerateColumnNames: true}, New)

// FailureTag marks a row that is no CSV.
const FailureTag = "_csvparsefailure"

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Names of the columns, in order. Columns beyond them are called column3, column4 and so on. On the way out, the fields to write;
	// all fields if empty.
	Columns []string `opt:"columns"`

	// What separates the columns.
	Separator string `opt:"separator"`

	// Character around values that hold a separator, a newline or the character itself. \x00 is the zero byte, for data in which
	// quotes mean nothing.
	QuoteChar string `opt:"quote_char"`

	// Whether the first row of a stream names the columns, unless columns does, and whether names are written once on the way out. The
	// row that names the columns is kept in [@metadata][csv_header] of the events.
	IncludeHeaders bool `opt:"include_headers"`

	// Whether the first row of a stream names the columns, unless columns does.
	AutodetectColumnNames bool `opt:"autodetect_column_names"`

	// Whether columns without a name get one. If not, they are left out.
	AutogenerateColumnNames bool `opt:"autogenerate_column_names"`

	// Whether columns without a value are left out.
	SkipEmptyColumns bool `opt:"skip_empty_columns"`

	// Types of columns by name: integer, float, date, date_time or boolean. What does not fit stays text.
	Convert config.Map[string] `opt:"convert"`

	// Character set of the rows.
	Charset charset.Charset `opt:"charset"`

	// Field below which the columns are put; the top level of the event if not given.
	Target event.Path `opt:"target"`
}

// New returns the codec.
func New(o Options, env *plugin.Env) (*plugin.Codec, error) {
	var errs []error
	if o.QuoteChar == `\x00` {
		o.QuoteChar = "\x00"
	}
	if utf8.RuneCountInString(o.QuoteChar) != 1 {
		errs = append(errs, plugin.OptionError("quote_char", fmt.Errorf("must be one character, not %q", o.QuoteChar)))
	}
	if o.Separator == "" {
		errs = append(errs, plugin.OptionError("separator", errors.New("must not be empty")))
	}
	if o.Separator == o.QuoteChar {
		errs = append(errs, plugin.OptionError("separator", errors.New("must not be the quote character")))
	}
	convert := make(map[string]converter)
	for _, p := range o.Convert {
		c := converters(p.Value)
		if c == nil {
			err := plugin.EntryError("convert", p.Key, fmt.Errorf("unknown type %q", p.Value))
			errs = append(errs, plugin.Hinted(err, "integer, float, date, date_time or boolean"))
		}
		convert[p.Key] = c
	}
	paths, err := columnPaths(o.Columns)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	headerWritten := new(atomic.Bool)
	headerRead := (o.IncludeHeaders || o.AutodetectColumnNames) && len(o.Columns) == 0
	return &plugin.Codec{
		NewFramer: func() plugin.Framer { return &framer{o: &o, header: headerRead, start: true} },
		NewDecoder: func() plugin.Decoder {
			return &decoder{o: &o, convert: convert, columns: o.Columns, text: o.Charset.NewDecoder(), original: env.ECS.Enabled()}
		},
		NewEncoder: func() plugin.Encoder { return &encoder{o: &o, paths: paths, written: headerWritten} },
	}, nil
}

// columnPaths compiles the columns as references for the way out. On the way in they are plain names.
func columnPaths(columns []string) ([]event.Path, error) {
	paths := make([]event.Path, len(columns))
	var errs []error
	for i, c := range columns {
		var err error
		if paths[i], err = event.ParsePath(c); err != nil {
			errs = append(errs, plugin.OptionError("columns", err))
		}
	}
	return paths, errors.Join(errs...)
}
