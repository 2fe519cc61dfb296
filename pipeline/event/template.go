package event

import (
	"strconv"
	"strings"

	"millrace/internal/joda"
)

// Template is a compiled text with references to fields and dates: "%{[a][b]}-%{+yyyy.MM.dd}" (StringInterpolation.java). Its forms:
// %{field} and %{[a][b]}, left as written where the field is missing or null; %{+FORMAT}, @timestamp in UTC by a Joda format; %{+%s},
// %{+} and %{}, its Unix seconds; %{{FORMAT}} by a java.time format; %{{TIME_NOW}}. A Template is immutable; the zero Template is the
// empty text.
type Template struct {
	text     string
	segments []segment
	static   bool  // the text holds no reference: it is its own result
	err      error // the first segment that no event can resolve
}

type segment struct {
	kind segmentKind
	text string // the literal, or the reference as written
	path Path
	date *joda.Formatter
	err  error
}

type segmentKind uint8

const (
	literalText segmentKind = iota
	fieldReference
	epochSeconds
	dateFormat
	currentTime
	unresolvable // a malformed reference or date format, which fails when an event meets it
)

// ParseTemplate compiles text. It never fails: Logstash finds a malformed reference or date format only when an event meets it, and
// so does [Template.Append]; [Template.Err] tells it beforehand, for a warning.
func ParseTemplate(text string) Template {
	t := Template{text: text, static: true}
	pos := 0
	for {
		open := strings.Index(text[pos:], "%{")
		if open < 0 {
			break
		}
		open += pos
		end := strings.IndexByte(text[open:], '}')
		if end < 0 {
			break
		}
		end += open
		t.static = false
		if open > pos {
			t.segments = append(t.segments, segment{kind: literalText, text: text[pos:open]})
		}
		seg, next := parseSegment(text, open, end)
		t.segments = append(t.segments, seg)
		if t.err == nil {
			t.err = seg.err
		}
		pos = next
	}
	if pos < len(text) {
		t.segments = append(t.segments, segment{kind: literalText, text: text[pos:]})
	}
	return t
}

// parseSegment compiles what stands between the %{ at open and the } at end; next is where the text goes on.
func parseSegment(text string, open, end int) (seg segment, next int) {
	body := text[open+2 : end]
	seg = segment{text: text[open : end+1]}
	switch {
	case strings.HasPrefix("+%s", body):
		seg.kind = epochSeconds
	case strings.HasPrefix(body, "{") && strings.HasPrefix(text[end+1:], "}"):
		end++
		if seg.kind = dateFormat; body == "{TIME_NOW" {
			seg.kind = currentTime
			break
		}
		seg.date, seg.err = joda.NewJavaFormatter(body[1:])
	case strings.HasPrefix(body, "+"):
		seg.kind = dateFormat
		seg.date, seg.err = joda.NewFormatter(body[1:])
	default:
		seg.kind = fieldReference
		seg.path, seg.err = ParsePath(body)
	}
	if seg.err != nil {
		seg.kind = unresolvable
	}
	return seg, end + 1
}

// UnmarshalText makes Template an option type.
func (t *Template) UnmarshalText(text []byte) error {
	*t = ParseTemplate(string(text))
	return nil
}

// String returns the template as it was written.
func (t *Template) String() string { return t.text }

// Static reports whether the template refers to nothing, so that its text is its result for every event.
func (t *Template) Static() bool { return t.static || t.text == "" }

// Err returns what [Template.Append] will return for every event: a malformed field reference or date format. It is a matter for a
// warning when the config is read.
func (t *Template) Err() error { return t.err }

// Paths returns the fields that the template refers to.
func (t *Template) Paths() []*Path {
	var paths []*Path
	for i := range t.segments {
		if t.segments[i].kind == fieldReference {
			paths = append(paths, &t.segments[i].path)
		}
	}
	return paths
}

// Append appends the text that the template has for e. Its error says that the template itself is malformed; nothing in an event can
// cause one. What was appended by then is to be thrown away.
func (t *Template) Append(dst []byte, e *Event) ([]byte, error) {
	if t.Static() {
		return append(dst, t.text...), nil
	}
	for i := range t.segments {
		s := &t.segments[i]
		switch s.kind {
		case literalText:
			dst = append(dst, s.text...)
		case fieldReference:
			v, ok := e.Get(&s.path)
			switch {
			case !ok || v.kind == Null:
				dst = append(dst, s.text...)
			case v.kind == String:
				dst = append(dst, v.text()...)
			default:
				dst = v.AppendText(dst)
			}
		case epochSeconds:
			if ts, ok := e.Timestamp(); ok {
				dst = strconv.AppendInt(dst, ts.Unix(), 10)
			}
		case dateFormat:
			if ts, ok := e.Timestamp(); ok {
				dst = s.date.Append(dst, ts)
			}
		case currentTime:
			dst = AppendTime(dst, now())
		case unresolvable:
			return dst, s.err
		}
	}
	return dst, nil
}

// Text returns the text that the template has for e, made in e's arena; see [Template.Append].
func (t *Template) Text(e *Event) (string, error) {
	if t.Static() {
		return t.text, nil
	}
	if len(t.segments) == 1 && t.segments[0].kind == fieldReference {
		if v, ok := e.Get(&t.segments[0].path); ok && v.kind == String {
			return v.Str(), nil
		}
	}
	b, err := t.Append(e.Arena.Free(), e)
	if err != nil {
		return "", err
	}
	return e.Arena.Take(b), nil
}

// PathTemplate is a field reference that may hold references itself, as the keys of add_field do: "[geo][%{side}]". Without one it is
// a Path that was compiled with the config.
type PathTemplate struct {
	tmpl  Template
	fixed *Path // if it is the same for every event and well-formed
	err   error
}

// ParsePathTemplate compiles text. It never fails, for the reason of [ParseTemplate]; [PathTemplate.Err] tells what is wrong.
func ParsePathTemplate(text string) PathTemplate {
	t := PathTemplate{tmpl: ParseTemplate(text)}
	if t.tmpl.Static() {
		var p Path
		if p, t.err = ParsePath(text); t.err == nil {
			t.fixed = &p
		}
	}
	return t
}

// Fixed returns the path that the reference stands for in every event, nil if it is not always the same or malformed. It is the quick
// form of Resolve.
func (t *PathTemplate) Fixed() *Path { return t.fixed }

// UnmarshalText makes PathTemplate an option type.
func (t *PathTemplate) UnmarshalText(text []byte) error {
	*t = ParsePathTemplate(string(text))
	return nil
}

// String returns the reference as it was written.
func (t *PathTemplate) String() string { return t.tmpl.text }

// Static reports whether the reference is the same for every event.
func (t *PathTemplate) Static() bool { return t.tmpl.Static() }

// Err returns what [PathTemplate.Resolve] will return for every event, nil if that depends on the event.
func (t *PathTemplate) Err() error {
	if t.err != nil {
		return t.err
	}
	return t.tmpl.err
}

// Resolve returns the path that the reference stands for in e, in p where it had to be made. Its error says that it is malformed.
func (t *PathTemplate) Resolve(e *Event, p *Path) (*Path, error) {
	if t.fixed != nil {
		return t.fixed, nil
	}
	if t.tmpl.Static() {
		*p = Path{}
		return p, t.err
	}
	text, err := t.tmpl.Text(e)
	if err != nil {
		return nil, err
	}
	*p, err = ParsePath(text)
	return p, err
}
