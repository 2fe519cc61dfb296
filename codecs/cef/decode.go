package cef

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"millrace/internal/charset"
	"millrace/internal/joda"
	"millrace/pipeline/event"
)

type decoder struct {
	o     *Options
	names *names
	times *times
	text  *charset.Decoder

	late []lateTime // times of the event, which wait for its zone
}

// errCharset is the error of what is no UTF-8, which CEF demands.
var errCharset = errors.New("invalid byte sequence in UTF-8")

type lateTime struct {
	path *event.Path
	text string
}

func newDecoder(o *Options, n *names, t *times) *decoder {
	return &decoder{o: o, names: n, times: t, text: charset.Charset{}.NewDecoder()}
}

// Decode implements plugin.Decoder.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	data := d.text.Decode(e.Arena, r.Data)
	if d.o.Delimiter == nil {
		data = strings.TrimSuffix(data, "\r")
	}
	err := errCharset
	if d.text.Clean(r.Data) {
		err = d.decode(e, data)
	}
	if err == nil && !d.o.RawDataField.IsZero() {
		err = e.Set(&d.o.RawDataField, event.StringValue(data))
	}
	if err == nil {
		return
	}
	e.Root().Clear()
	e.Metadata().Clear()
	e.Root().Set("message", event.StringValue(data))
	e.Tag(FailureTag)
}

func (d *decoder) decode(e *event.Event, data string) error {
	if strings.HasPrefix(data, `"`) { // some connectors put the whole in quotes
		data = strings.TrimSuffix(data[1:], `"`)
	}
	for i, path := range d.names.header {
		value, rest, escaped, ok := cutHeader(data)
		if !ok {
			return fmt.Errorf("found %d of %d header fields", i, headerFields)
		}
		data = rest
		if escaped {
			value = unescape(e, value, `|\`)
		}
		if i == 0 {
			if space := strings.LastIndexByte(value, ' '); space >= 0 {
				if err := e.Set(d.names.syslog, event.StringValue(value[:space])); err != nil {
					return err
				}
				value = value[space+1:]
			}
			value = strings.TrimPrefix(value, "CEF:")
		}
		if err := e.Set(path, event.StringValue(value)); err != nil {
			return err
		}
	}
	return d.extensions(e, strings.Trim(data, blanks))
}

const blanks = " \t\n\v\f\r\x00"

// cutHeader cuts a field off at the next pipe that no backslash escapes.
func cutHeader(s string) (value, rest string, escaped, ok bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '|':
			return s[:i], s[i+1:], escaped, true
		case '\\':
			escaped = true
			if i+1 < len(s) && (s[i+1] == '|' || s[i+1] == '\\') {
				i++
			}
		}
	}
	return "", "", false, false
}

// extensions sets the pairs of s.
func (d *decoder) extensions(e *event.Event, s string) error {
	if s == "" {
		return nil
	}
	zone := d.times.zone
	d.late = d.late[:0]
	key := cutKey(s)
	if key == "" {
		return fmt.Errorf("value without a key: %q", s)
	}
	for key != "" {
		value, rest, nextKey := cutValue(s[len(key)+1:])
		if strings.IndexByte(value, '\\') >= 0 {
			value = unescape(e, value, `=\nr`)
		}
		if err := d.set(e, key, value, &zone); err != nil {
			return err
		}
		key, s = nextKey, rest
	}
	for _, l := range d.late {
		if l.text == "" && l.path.String() != event.TimestampField {
			if err := e.Set(l.path, event.Value{}); err != nil {
				return err
			}
			continue
		}
		t, err := d.times.parse(l.text, zone)
		if err != nil {
			return err
		}
		if err := e.Set(l.path, event.TimeValue(t)); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) set(e *event.Event, key, value string, zone **joda.Zone) error {
	t := d.names.targets[key]
	switch {
	case t == nil && strings.IndexByte(key, '[') < 0:
		if key == event.TagsField {
			return e.Set(tagsPath, event.StringValue(value))
		}
		e.Root().Set(key, event.StringValue(value))
		return nil
	case t == nil: // a[0] is [a][0]
		open := strings.IndexByte(key, '[')
		path, err := event.ParsePath("[" + key[:open] + "]" + key[open:])
		if err != nil {
			return err
		}
		return e.Set(&path, event.StringValue(value))
	case t.time:
		d.late = append(d.late, lateTime{&t.path, value})
		return nil
	case t.zone:
		z, err := d.times.load(value)
		if err != nil {
			return err
		}
		*zone = z
	}
	return e.Set(&t.path, event.StringValue(value))
}

var tagsPath = event.MustPath(event.TagsField)

// cutKey returns the key at the beginning of s, which an equals sign must follow: word characters, then parts behind dots, then an
// index. "" if there is none.
func cutKey(s string) string {
	i := 0
	for i < len(s) && isWord(s[i]) {
		i++
	}
	if i == 0 {
		return ""
	}
	for i < len(s) && s[i] == '.' {
		j := i + 1
		for j < len(s) && strings.IndexByte(".=|\\[] \t\n\v\f\r", s[j]) < 0 {
			j++
		}
		if j == i+1 {
			return ""
		}
		i = j
	}
	if i < len(s) && s[i] == '[' {
		j := i + 1
		for j < len(s) && s[j]-'0' <= 9 {
			j++
		}
		if j == i+1 || j == len(s) || s[j] != ']' {
			return ""
		}
		i = j + 1
	}
	if i < len(s) && s[i] == '=' {
		return s[:i]
	}
	return ""
}

func isBlank(c byte) bool { return c == ' ' || c-'\t' <= '\r'-'\t' }

func isWord(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c-'0' <= 9 || c == '_'
}

// cutValue returns the value at the beginning of s, which ends before white space that a key follows; that key, and s from it on.
func cutValue(s string) (value, rest, key string) {
	for i := 0; ; {
		for i < len(s) && !isBlank(s[i]) {
			i++
		}
		if i == len(s) {
			return s, "", ""
		}
		end := i
		for i < len(s) && isBlank(s[i]) {
			i++
		}
		if key := cutKey(s[i:]); key != "" {
			return s[:end], s[i:], key
		}
	}
}

// unescape takes the backslash away before the characters of which; n and r become newline and carriage return.
func unescape(e *event.Event, s, which string) string {
	dst := e.Arena.Free()
	for {
		i := strings.IndexByte(s, '\\')
		if i < 0 || i+1 == len(s) {
			return e.Arena.Take(append(dst, s...))
		}
		dst = append(dst, s[:i]...)
		c := s[i+1]
		switch {
		case strings.IndexByte(which, c) < 0:
			dst = append(dst, '\\', c)
		case c == 'n':
			dst = append(dst, '\n')
		case c == 'r':
			dst = append(dst, '\r')
		default:
			dst = append(dst, c)
		}
		s = s[i+2:]
	}
}

// times reads the times of extensions.
type times struct {
	zone   *joda.Zone   // of times that tell none
	parser *joda.Parser // of times with a year
}

// load returns the zone of a name, which may also be an abbreviation.
func (t *times) load(name string) (*joda.Zone, error) {
	if offset, ok := abbreviation(name); ok {
		return joda.LoadZone(offset)
	}
	return joda.LoadZone(name)
}

// parse reads milliseconds since 1970, or "May 17 2024 10:22:31.250 CEST" with year, fraction and zone where the text has them.
func (t *times) parse(s string, zone *joda.Zone) (time.Time, error) {
	if ms, ok := millis(s); ok {
		return ms, nil
	}
	colon := strings.LastIndexByte(s, ':')
	if head, name, ok := strings.Cut(s[max(colon, 0):], " "); ok && colon > 0 {
		z, err := t.load(name)
		if err != nil {
			return time.Time{}, err
		}
		zone, s = z, s[:colon]+head
	} else if i := strings.LastIndexByte(s, ' '); i > 0 && strings.ContainsAny(s[i:], "+-") { // GMT+02:00
		z, err := t.load(s[i+1:])
		if err != nil {
			return time.Time{}, err
		}
		zone, s = z, s[:i]
	}
	text, fraction, _ := strings.Cut(s, ".")
	now := time.Now()
	at, ok := t.parser.ParseIn(text, zone, now)
	if !ok {
		at, ok = t.guess(text, zone, now)
	}
	nsec, exact := nanos(fraction)
	if !ok || !exact {
		return time.Time{}, fmt.Errorf("no time: %q", s)
	}
	return at.Add(nsec), nil
}

// guess reads a time without a year: the latest there was, with two days for clocks that go wrong. February 29 is not in every year.
func (t *times) guess(text string, zone *joda.Zone, now time.Time) (at time.Time, ok bool) {
	i := strings.LastIndexByte(text, ' ')
	if i < 0 {
		return at, false
	}
	const leap = 8 // years from one February 29 to the next at most
	soon := now.AddDate(0, 0, 2)
	for year := soon.Year(); year >= soon.Year()-leap; year-- {
		at, ok = t.parser.ParseIn(text[:i+1]+strconv.Itoa(year)+text[i:], zone, now)
		if ok && !at.After(soon) {
			return at, true
		}
	}
	return at, false
}

// millis reads a whole or decimal number of milliseconds.
func millis(s string) (time.Time, bool) {
	whole, fraction, dot := strings.Cut(s, ".")
	if whole == "" || len(whole) > 15 || whole[0] == '0' || dot && fraction == "" {
		return time.Time{}, false
	}
	var ms int64
	for i := 0; i < len(whole); i++ {
		if whole[i]-'0' > 9 {
			return time.Time{}, false
		}
		ms = ms*10 + int64(whole[i]-'0')
	}
	nsec := time.Duration(0)
	for i, scale := 0, time.Duration(1e5); i < len(fraction); i, scale = i+1, scale/10 {
		if fraction[i]-'0' > 9 {
			return time.Time{}, false
		}
		nsec += time.Duration(fraction[i]-'0') * scale
	}
	return time.UnixMilli(ms).Add(nsec), true
}

// nanos reads the three, six or nine digits of a fraction of a second; none at all are 0.
func nanos(s string) (time.Duration, bool) {
	if len(s)%3 != 0 || len(s) > 9 {
		return 0, false
	}
	var n time.Duration
	for i := range 9 {
		n *= 10
		if i < len(s) {
			if s[i]-'0' > 9 {
				return 0, false
			}
			n += time.Duration(s[i] - '0')
		}
	}
	return n, true
}

// abbreviation returns the offset of a zone's short name.
func abbreviation(name string) (offset string, ok bool) {
	switch name {
	case "UTC", "GMT", "Z", "WET":
		return "+00:00", true
	case "CET", "BST", "WEST":
		return "+01:00", true
	case "CEST", "EET", "SAST":
		return "+02:00", true
	case "EEST", "MSK":
		return "+03:00", true
	case "IST":
		return "+05:30", true
	case "SGT", "HKT", "AWST":
		return "+08:00", true
	case "JST", "KST":
		return "+09:00", true
	case "AEST":
		return "+10:00", true
	case "AEDT":
		return "+11:00", true
	case "NZST":
		return "+12:00", true
	case "NZDT":
		return "+13:00", true
	case "BRT", "ART":
		return "-03:00", true
	case "AST", "EDT":
		return "-04:00", true
	case "EST", "CDT":
		return "-05:00", true
	case "CST", "MDT":
		return "-06:00", true
	case "MST", "PDT":
		return "-07:00", true
	case "PST", "AKDT":
		return "-08:00", true
	case "AKST":
		return "-09:00", true
	case "HST":
		return "-10:00", true
	}
	return "", false
}
