package text

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// CSVOptions are the options of CSV. The zero value has the defaults.
type CSVOptions struct {
	ColSep         string // "" means ","
	RowSep         string // "" means :auto when reading and "\n" when writing
	QuoteChar      string // "" means `"`
	NoQuote        bool   // quote_char: nil
	LiberalParsing bool
	SkipBlanks     bool
	ForceQuotes    bool
	QuoteEmpty     *bool // nil means true
	Strip          bool
	NilValue       *string
	EmptyValue     *string
}

// CSVField is one field. One that is empty and has no quotes is nil in Ruby.
type CSVField struct {
	Value  string
	Nil    bool
	Quoted bool
}

// normal returns the options with their defaults. A nil o has none.
func (o *CSVOptions) normal() (CSVOptions, error) {
	n := CSVOptions{}
	if o != nil {
		n = *o
	}
	if n.ColSep == "" {
		n.ColSep = ","
	}
	if n.QuoteChar == "" {
		n.QuoteChar = `"`
	}
	if utf8.RuneCountInString(n.QuoteChar) != 1 {
		return n, argumentError(":quote_char has to be nil or a single character String")
	}
	return n, nil
}

// ParseCSVLine is CSV.parse_line(line): the first row; ok is false where Ruby returns nil.
func ParseCSVLine(line string, o *CSVOptions) (row []CSVField, ok bool, err error) {
	c, err := newCSVReader(line, o)
	if err != nil {
		return nil, false, err
	}
	return c.row()
}

// ParseCSV is CSV.parse(text).
func ParseCSV(s string, o *CSVOptions) ([][]CSVField, error) {
	c, err := newCSVReader(s, o)
	if err != nil {
		return nil, err
	}
	var rows [][]CSVField
	for {
		row, ok, err := c.row()
		if err != nil {
			return nil, err
		}
		if !ok {
			return rows, nil
		}
		rows = append(rows, row)
	}
}

type csvReader struct {
	o    CSVOptions
	s    string // what is still to be read
	line int    // of the row that is read
}

func newCSVReader(s string, o *CSVOptions) (*csvReader, error) {
	n, err := o.normal()
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(s) {
		c := csvReader{line: 1 + strings.Count(s[:validPrefix(s)], "\n")}
		return nil, c.malformed("Invalid byte sequence in UTF-8")
	}
	if n.RowSep == "" {
		n.RowSep = detectRowSep(s)
	}
	return &csvReader{o: n, s: s, line: 1}, nil
}

func validPrefix(s string) int {
	for i, r := range s {
		if r == utf8.RuneError && !validAt(s, i) {
			return i
		}
	}
	return len(s)
}

// detectRowSep returns the first line end of the text, wherever it is.
func detectRowSep(s string) string {
	i := strings.IndexAny(s, "\r\n")
	switch {
	case i < 0 || s[i] == '\n':
		return "\n"
	case strings.HasPrefix(s[i+1:], "\n"):
		return "\r\n"
	}
	return "\r"
}

func (c *csvReader) malformed(what string) error {
	return &Error{"CSV::MalformedCSVError", what + " in line " + strconv.Itoa(c.line) + "."}
}

// row reads the next row.
func (c *csvReader) row() (row []CSVField, ok bool, err error) {
	for {
		if c.o.Strip {
			c.s = strings.TrimLeft(c.s, " \t\f\v")
		}
		if c.s == "" {
			return nil, false, nil
		}
		before := c.s
		row, err = c.fields()
		if err != nil {
			return nil, false, err
		}
		if len(row) > 0 || !c.o.SkipBlanks { // Ruby does not count what it skips
			c.line += lineEnds(before[:len(before)-len(c.s)])
			return row, true, nil
		}
	}
}

// lineEnds counts line ends of any kind.
func lineEnds(s string) int {
	return strings.Count(s, "\n") + strings.Count(s, "\r") - strings.Count(s, "\r\n")
}

// fields reads one row with its end.
func (c *csvReader) fields() ([]CSVField, error) {
	if c.take(c.o.RowSep) {
		return []CSVField{}, nil
	}
	var row []CSVField
	for {
		before := len(c.s)
		f, err := c.field()
		if err != nil {
			return nil, err
		}
		row = append(row, f)
		switch {
		case c.take(c.o.ColSep):
		case c.s == "" || c.take(c.o.RowSep):
			return row, nil
		default:
			if before == len(c.s) && !strings.HasPrefix(c.s, c.o.QuoteChar) {
				return nil, c.malformed("New line must be <" + Inspect(c.o.RowSep) + "> not <" + Inspect(c.lineEnd()) + ">")
			}
			return nil, c.unexpected(f.Quoted)
		}
	}
}

func (c *csvReader) take(prefix string) bool {
	ok := strings.HasPrefix(c.s, prefix)
	c.s = strings.TrimPrefix(c.s, prefix)
	return ok
}

// unexpected says what is wrong behind a field.
func (c *csvReader) unexpected(quoted bool) error {
	switch {
	case quoted:
		return c.malformed("Any value after quoted field isn't allowed")
	case strings.HasPrefix(c.s, c.o.QuoteChar):
		return c.malformed("Illegal quoting")
	}
	return c.malformed("Unquoted fields do not allow new line <" + Inspect(c.lineEnd()) + ">")
}

// lineEnd returns the line end that comes next.
func (c *csvReader) lineEnd() string {
	if strings.HasPrefix(c.s, "\r\n") {
		return "\r\n"
	}
	return c.s[:1]
}

func (c *csvReader) field() (CSVField, error) {
	if c.o.Strip {
		c.s = strings.TrimLeft(c.s, " \t\f\v")
	}
	if c.o.NoQuote || !strings.HasPrefix(c.s, c.o.QuoteChar) {
		return c.plain(), nil
	}
	value, ok := c.quoted()
	if !ok {
		return CSVField{}, c.malformed("Unclosed quoted field")
	}
	if c.o.Strip {
		c.s = strings.TrimLeft(c.s, " \t\f\v")
	}
	if c.o.LiberalParsing && c.s != "" && !strings.HasPrefix(c.s, c.o.ColSep) && c.s[0] != '\r' && c.s[0] != '\n' && !strings.HasPrefix(c.s, c.o.RowSep) {
		rest := c.plain()
		return CSVField{Value: c.o.QuoteChar + value + c.o.QuoteChar + rest.Value, Quoted: true}, nil
	}
	if value == "" && c.o.EmptyValue != nil {
		value = *c.o.EmptyValue
	}
	return CSVField{Value: value, Quoted: true}, nil
}

// quoted reads a field in quotes, in which two of them mean one.
func (c *csvReader) quoted() (string, bool) {
	q := c.o.QuoteChar
	s := c.s[len(q):]
	var value []byte
	for {
		i := strings.Index(s, q)
		if i < 0 {
			return "", false
		}
		value = append(value, s[:i]...)
		s = s[i+len(q):]
		if !strings.HasPrefix(s, q) {
			c.s = s
			return string(value), true
		}
		value = append(value, q...)
		s = s[len(q):]
	}
}

// plain reads a field without quotes, up to what ends it or must not be in it.
func (c *csvReader) plain() CSVField {
	end := 0
	for end < len(c.s) {
		rest := c.s[end:]
		if strings.HasPrefix(rest, c.o.ColSep) || strings.HasPrefix(rest, c.o.RowSep) ||
			!c.o.NoQuote && (rest[0] == '\r' || rest[0] == '\n' || !c.o.LiberalParsing && strings.HasPrefix(rest, c.o.QuoteChar)) {
			break
		}
		end++
	}
	value := c.s[:end]
	c.s = c.s[end:]
	if c.o.Strip {
		value = strings.TrimRight(value, " \t\f\v")
	}
	if value != "" {
		return CSVField{Value: value}
	}
	if c.o.NilValue != nil {
		return CSVField{Value: *c.o.NilValue}
	}
	return CSVField{Nil: true}
}

// GenerateCSVLine is CSV.generate_line(fields).
func GenerateCSVLine(row []CSVField, o *CSVOptions) (string, error) {
	n, err := o.normal()
	if err != nil {
		return "", err
	}
	if n.RowSep == "" {
		n.RowSep = "\n"
	}
	var out []byte
	for i, f := range row {
		if i > 0 {
			out = append(out, n.ColSep...)
		}
		if f.Nil {
			if n.ForceQuotes {
				out = append(append(out, n.QuoteChar...), n.QuoteChar...)
			}
			continue
		}
		quote := n.ForceQuotes || f.Value == "" && (n.QuoteEmpty == nil || *n.QuoteEmpty) ||
			strings.ContainsAny(f.Value, "\r\n") || strings.Contains(f.Value, n.ColSep) || strings.Contains(f.Value, n.QuoteChar)
		if !quote || n.NoQuote {
			out = append(out, f.Value...)
			continue
		}
		out = append(out, n.QuoteChar...)
		out = append(out, strings.ReplaceAll(f.Value, n.QuoteChar, n.QuoteChar+n.QuoteChar)...)
		out = append(out, n.QuoteChar...)
	}
	return string(append(out, n.RowSep...)), nil
}
