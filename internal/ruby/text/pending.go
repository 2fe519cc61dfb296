package text

import "time"

const pending = "BUG: body not there yet"

// Pack is Array#pack. The encoding of the result is ASCII-8BIT, US-ASCII or UTF-8.
func Pack(template string, args []Arg) (packed, encoding string, err error) { panic(pending) }

// Unpack is String#unpack(template, offset: offset). The values are int64, *big.Int, float64, Bytes, string (US-ASCII) and nil.
func Unpack(s, template string, offset int) ([]Arg, error) { panic(pending) }

// Strftime is Time#strftime. A zone without a name has an empty %Z, as Time with a fixed offset.
func Strftime(t time.Time, format string) (string, error) { panic(pending) }

// AppendStrftime appends what Time#strftime returns.
func AppendStrftime(dst []byte, t time.Time, format string) ([]byte, error) { panic(pending) }

// DateStrftime is DateTime#strftime, which knows %Q and writes %Z as an offset.
func DateStrftime(t time.Time, format string) (string, error) { panic(pending) }

// DateParts is the hash that Date._parse and Date._strptime return; Has tells which fields are set.
type DateParts struct {
	Has                                      DateField
	Year, Mon, Mday, Yday                    int64
	Cwyear, Cweek, Cwday, Wday, Wnum0, Wnum1 int64
	Hour, Min, Sec                           int64
	Nsec                                     int64 // the fraction of the second in nanoseconds
	Offset                                   int64
	Zone                                     string
	Seconds                                  int64 // of %s and %Q
	SecondsNsec                              int64
	Leftover                                 string
}

// DateField is a set of fields of DateParts.
type DateField uint32

// The fields of DateParts.
const (
	HasYear DateField = 1 << iota
	HasMon
	HasMday
	HasYday
	HasCwyear
	HasCweek
	HasCwday
	HasWday
	HasWnum0
	HasWnum1
	HasHour
	HasMin
	HasSec
	HasFraction
	HasOffset
	HasZone
	HasSeconds
	HasLeftover
)

// DateParse is Date._parse(s, comp).
func DateParse(s string, comp bool) (DateParts, error) { panic(pending) }

// DateStrptime is Date._strptime(s, format); ok is false where Ruby returns nil.
func DateStrptime(s, format string) (p DateParts, ok bool) { panic(pending) }

// ParseTime is Time.parse(s, now): what s does not say is taken from now, whose Location is the local zone.
func ParseTime(s string, now time.Time) (time.Time, error) { panic(pending) }

// ParseDateTime is DateTime.parse(s). today completes what s leaves out.
func ParseDateTime(s string, today time.Time) (time.Time, error) { panic(pending) }

// ParseDate is Date.parse(s): midnight UTC of the day.
func ParseDate(s string, today time.Time) (time.Time, error) { panic(pending) }

// StrptimeTime is Time.strptime(s, format, now).
func StrptimeTime(s, format string, now time.Time) (time.Time, error) { panic(pending) }

// StrptimeDateTime is DateTime.strptime(s, format).
func StrptimeDateTime(s, format string, today time.Time) (time.Time, error) { panic(pending) }

// StrptimeDate is Date.strptime(s, format): midnight UTC of the day.
func StrptimeDate(s, format string, today time.Time) (time.Time, error) { panic(pending) }

// ParseISO8601 is Time.iso8601(s), which needs date and time; loc is the local zone, for times without one.
func ParseISO8601(s string, loc *time.Location) (time.Time, error) { panic(pending) }

// ParseRFC2822 is Time.rfc2822(s).
func ParseRFC2822(s string) (time.Time, error) { panic(pending) }

// ParseHTTPDate is Time.httpdate(s).
func ParseHTTPDate(s string) (time.Time, error) { panic(pending) }

// FormatISO8601 is Time#iso8601(digits).
func FormatISO8601(t time.Time, digits int) string { panic(pending) }

// FormatDateTimeISO8601 is DateTime#iso8601(digits), which writes +00:00 and never Z.
func FormatDateTimeISO8601(t time.Time, digits int) string { panic(pending) }

// FormatRFC2822 is Time#rfc2822.
func FormatRFC2822(t time.Time) string { panic(pending) }

// FormatHTTPDate is Time#httpdate.
func FormatHTTPDate(t time.Time) string { panic(pending) }

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

// CGIEscape is CGI.escape.
func CGIEscape(s string) string { panic(pending) }

// CGIUnescape is CGI.unescape.
func CGIUnescape(s string) string { panic(pending) }

// EscapeHTML is CGI.escapeHTML.
func EscapeHTML(s string) string { panic(pending) }

// UnescapeHTML is CGI.unescapeHTML.
func UnescapeHTML(s string) string { panic(pending) }

// URLEncode is ERB::Util.url_encode, which leaves only letters, digits and -_.~ alone.
func URLEncode(s string) string { panic(pending) }

// EncodeWWWFormComponent is URI.encode_www_form_component.
func EncodeWWWFormComponent(s string) string { panic(pending) }

// DecodeWWWFormComponent is URI.decode_www_form_component.
func DecodeWWWFormComponent(s string) (string, error) { panic(pending) }

// FormPair is a name and its values for EncodeWWWForm. No values at all stand for nil.
type FormPair struct {
	Name   string
	Values []string
	List   bool // the value was an array: with no elements it writes nothing
}

// EncodeWWWForm is URI.encode_www_form.
func EncodeWWWForm(pairs []FormPair) string { panic(pending) }

// DecodeWWWForm is URI.decode_www_form.
func DecodeWWWForm(s string) ([][2]string, error) { panic(pending) }

// ShellSplit is Shellwords.split.
func ShellSplit(s string) ([]string, error) { panic(pending) }

// ShellEscape is Shellwords.escape.
func ShellEscape(s string) (string, error) { panic(pending) }

// ShellJoin is Shellwords.join.
func ShellJoin(words []string) (string, error) { panic(pending) }

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




