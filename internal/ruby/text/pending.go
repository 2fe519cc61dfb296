package text

import "time"

const pending = "BUG: body not there yet"

// Format is Kernel#format.
func Format(format string, args []Arg) (string, error) { panic(pending) }

// AppendFormat appends what Kernel#format returns.
func AppendFormat(dst []byte, format string, args []Arg) ([]byte, error) { panic(pending) }

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

// Tr is String#tr.
func Tr(s, from, to string) (string, error) { panic(pending) }

// TrS is String#tr_s.
func TrS(s, from, to string) (string, error) { panic(pending) }

// Delete is String#delete.
func Delete(s string, sets ...string) (string, error) { panic(pending) }

// Squeeze is String#squeeze.
func Squeeze(s string, sets ...string) (string, error) { panic(pending) }

// Count is String#count.
func Count(s string, sets ...string) (int, error) { panic(pending) }

// Succ is String#succ.
func Succ(s string) string { panic(pending) }

// Inspect is String#inspect of a UTF-8 string.
func Inspect(s string) string { panic(pending) }

// AppendInspect appends what String#inspect returns.
func AppendInspect(dst []byte, s string) []byte { panic(pending) }

// InspectBinary is String#inspect of an ASCII-8BIT string.
func InspectBinary(s string) string { panic(pending) }

// SymbolInspect is Symbol#inspect.
func SymbolInspect(s string) string { panic(pending) }

// SymbolKeyInspect is a symbol as a key of an argument list or a pattern, such as a: or "a b":.
func SymbolKeyInspect(s string) string { panic(pending) }

// Dump is String#dump.
func Dump(s string) string { panic(pending) }

// Undump is String#undump.
func Undump(s string) (string, error) { panic(pending) }

// FloatToS is Float#to_s.
func FloatToS(f float64) string { panic(pending) }

// AppendFloat appends what Float#to_s returns.
func AppendFloat(dst []byte, f float64) []byte { panic(pending) }

// IntegerToS is Integer#to_s(base).
func IntegerToS(n Int, base int) (string, error) { panic(pending) }

// ParseIntPrefix is String#to_i(base).
func ParseIntPrefix(s string, base int) (Int, error) { panic(pending) }

// ParseFloatPrefix is String#to_f.
func ParseFloatPrefix(s string) float64 { panic(pending) }

// StrictInteger is Kernel#Integer(s, base); base 0 means none was given.
func StrictInteger(s string, base int) (Int, error) { panic(pending) }

// StrictFloat is Kernel#Float(s).
func StrictFloat(s string) (float64, error) { panic(pending) }

// Hex is String#hex.
func Hex(s string) Int { panic(pending) }

// Oct is String#oct.
func Oct(s string) Int { panic(pending) }

// RoundMode says what becomes of a half.
type RoundMode uint8

// The modes of round(half:).
const (
	HalfUp RoundMode = iota
	HalfEven
	HalfDown
)

// ParseRoundMode returns the mode called name; nil (an empty name) means up.
func ParseRoundMode(name string) (RoundMode, error) { panic(pending) }

// RoundFloat is Float#round(digits, half: mode) for digits > 0.
func RoundFloat(f float64, digits int, mode RoundMode) float64 { panic(pending) }

// RoundFloatToInt is Float#round(digits, half: mode) for digits <= 0; NaN and Infinity are errors.
func RoundFloatToInt(f float64, digits int, mode RoundMode) (Int, error) { panic(pending) }

// FloorFloat is Float#floor(digits) for digits > 0.
func FloorFloat(f float64, digits int) float64 { panic(pending) }

// FloorFloatToInt is Float#floor(digits) for digits <= 0.
func FloorFloatToInt(f float64, digits int) (Int, error) { panic(pending) }

// CeilFloat is Float#ceil(digits) for digits > 0.
func CeilFloat(f float64, digits int) float64 { panic(pending) }

// CeilFloatToInt is Float#ceil(digits) for digits <= 0.
func CeilFloatToInt(f float64, digits int) (Int, error) { panic(pending) }

// TruncateFloat is Float#truncate(digits) for digits > 0.
func TruncateFloat(f float64, digits int) float64 { panic(pending) }

// TruncateFloatToInt is Float#truncate(digits) for digits <= 0, and Float#to_i.
func TruncateFloatToInt(f float64, digits int) (Int, error) { panic(pending) }

// RoundInt is Integer#round(digits, half: mode).
func RoundInt(n Int, digits int, mode RoundMode) Int { panic(pending) }

// FloorInt is Integer#floor(digits).
func FloorInt(n Int, digits int) Int { panic(pending) }

// CeilInt is Integer#ceil(digits).
func CeilInt(n Int, digits int) Int { panic(pending) }

// TruncateInt is Integer#truncate(digits).
func TruncateInt(n Int, digits int) Int { panic(pending) }

// Casecmp is String#casecmp, which folds ASCII only.
func Casecmp(a, b string) int { panic(pending) }

// CasecmpEqual is String#casecmp?, with Unicode case folding; ok is false where Ruby returns nil.
func CasecmpEqual(a, b string) (equal, ok bool) { panic(pending) }

// CaseOption is an option of upcase and its relatives.
type CaseOption uint8

// The options :ascii, :turkic, :lithuanian and :fold.
const (
	CaseASCII CaseOption = 1 << iota
	CaseTurkic
	CaseLithuanian
	CaseFold
)

// Upcase is String#upcase.
func Upcase(s string, o CaseOption) (string, error) { panic(pending) }

// Downcase is String#downcase.
func Downcase(s string, o CaseOption) (string, error) { panic(pending) }

// Capitalize is String#capitalize.
func Capitalize(s string, o CaseOption) (string, error) { panic(pending) }

// Swapcase is String#swapcase.
func Swapcase(s string, o CaseOption) (string, error) { panic(pending) }

// Center is String#center.
func Center(s string, width int, pad string) (string, error) { panic(pending) }

// Ljust is String#ljust.
func Ljust(s string, width int, pad string) (string, error) { panic(pending) }

// Rjust is String#rjust.
func Rjust(s string, width int, pad string) (string, error) { panic(pending) }

// Lines is String#lines(sep, chomp: chomp); an empty sep separates paragraphs.
func Lines(s, sep string, chomp bool) []string { panic(pending) }

// Chomp is String#chomp.
func Chomp(s string) string { panic(pending) }

// ChompSuffix is String#chomp(sep).
func ChompSuffix(s, sep string) string { panic(pending) }

// Chop is String#chop.
func Chop(s string) string { panic(pending) }

// Strip is String#strip.
func Strip(s string) string { panic(pending) }

// Lstrip is String#lstrip.
func Lstrip(s string) string { panic(pending) }

// Rstrip is String#rstrip.
func Rstrip(s string) string { panic(pending) }

// Split is String#split(sep, limit) with a string as separator: " " (and nil, for the caller) splits at white space, "" into characters.
func Split(s, sep string, limit int) []string { panic(pending) }

// Scrub is String#scrub(repl).
func Scrub(s, repl string) string { panic(pending) }

// ScrubFunc is String#scrub with a block.
func ScrubFunc(s string, repl func(bad string) string) string { panic(pending) }

// Reverse is String#reverse.
func Reverse(s string) string { panic(pending) }

// Normalize is String#unicode_normalize(form); form is nfc, nfd, nfkc or nfkd.
func Normalize(s, form string) (string, error) { panic(pending) }

// Normalized is String#unicode_normalized?(form).
func Normalized(s, form string) (bool, error) { panic(pending) }

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
