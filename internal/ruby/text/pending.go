package text

const pending = "BUG: body not there yet"

// FindEncoding is Encoding.find(name).name.
func FindEncoding(name string) (string, error) { panic(pending) }

// ValidEncoding is String#valid_encoding? of bytes in the named encoding.
func ValidEncoding(s, encoding string) bool { panic(pending) }

// EncodeOptions are the options of String#encode.
type EncodeOptions struct {
	ReplaceInvalid, ReplaceUndef bool
	Replace                      *string // nil for the default of the destination
	Fallback                     func(char string) (string, bool, error)
	XML                          string // "text", "attr" or ""
	Newline                      string // "universal", "crlf", "cr" or ""
}

// Encode is String#encode(to, from, **options). A nil o has no options.
func Encode(s, to, from string, o *EncodeOptions) (string, error) { panic(pending) }

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

// ParseCSVLine is CSV.parse_line(line): the first row; ok is false where Ruby returns nil.
func ParseCSVLine(line string, o *CSVOptions) (row []CSVField, ok bool, err error) { panic(pending) }

// ParseCSV is CSV.parse(text).
func ParseCSV(s string, o *CSVOptions) ([][]CSVField, error) { panic(pending) }

// GenerateCSVLine is CSV.generate_line(fields).
func GenerateCSVLine(row []CSVField, o *CSVOptions) (string, error) { panic(pending) }
