package translate

import (
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"millrace/internal/joda"
	"millrace/pipeline/event"
)

// scalar resolves a scalar as Psych does.
func scalar(n *yaml.Node) event.Value {
	switch {
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return event.StringValue(n.Value)
	case n.Style&yaml.TaggedStyle != 0:
		return taggedScalar(n)
	case n.ShortTag() == "!!timestamp":
		if t, ok := joda.ParseTimestamp(strings.Replace(n.Value, " ", "T", 1)); ok && len(n.Value) > len("2006-01-02") {
			return event.TimeValue(t)
		}
		return event.StringValue(n.Value)
	case n.Value == "":
		return event.Value{}
	case isWord(n.Value):
		return word(n.Value)
	}
	return number(n.Value)
}

// taggedScalar resolves a scalar whose type is given: !!int 5.
func taggedScalar(n *yaml.Node) event.Value {
	switch n.ShortTag() {
	case "!!null":
		return event.Value{}
	case "!!bool":
		return event.BoolValue(strings.EqualFold(n.Value, "true"))
	case "!!int":
		return integer(n.Value)
	case "!!float":
		if f, err := strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64); err == nil {
			return event.FloatValue(f)
		}
	}
	return event.StringValue(n.Value)
}

// isWord reports whether a scalar cannot be a number or a time: letters, white space or certain signs stand at its beginning, or behind
// one character of another kind.
func isWord(s string) bool {
	first, size := utf8.DecodeRuneInString(s)
	if isWordRune(first) {
		return true
	}
	second, _ := utf8.DecodeRuneInString(s[size:])
	return size < len(s) && isWordRune(second) && !strings.ContainsRune("0123456789.:-", first)
}

func isWordRune(r rune) bool {
	return unicode.IsLetter(r) || strings.ContainsRune("_ \t\n\v\f\r!@#$%^&*(){}<>|/\\~;=", r)
}

// word knows the words of version 1.1 of YAML, where yes and on are true.
func word(s string) event.Value {
	switch strings.ToLower(s) {
	case "~", "null":
		return event.Value{}
	case "yes", "true", "on":
		return event.BoolValue(true)
	case "no", "false", "off":
		return event.BoolValue(false)
	}
	return event.StringValue(s)
}

// What numbers look like to Psych. Two or three parts with colons between are hours, minutes and seconds: 12:30 is 45000. An exponent
// needs a point and a sign.
var (
	sexagesimal = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9]){1,2}(\.[0-9_]*)?$`)
	decimal     = regexp.MustCompile(`^[-+]?([0-9][0-9_,]*)?\.[0-9]*([eE][-+][0-9]+)?$`)
	whole       = regexp.MustCompile(`^[-+]?(0b[01_,]+|0[0-7_,]+|0|[1-9]([0-9]|[,_][0-9])*|0x[0-9a-fA-F_,]+)$`)
)

func number(s string) event.Value {
	plain := func() string { return strings.NewReplacer(",", "", "_", "").Replace(s) }
	switch {
	case whole.MatchString(s):
		return integer(plain())
	case decimal.MatchString(s):
		if f, err := strconv.ParseFloat(plain(), 64); err == nil {
			return event.FloatValue(f)
		}
	case sexagesimal.MatchString(s):
		return seconds(s, strings.Split(strings.ReplaceAll(s, "_", ""), ":"))
	}
	return event.StringValue(s)
}

// seconds adds hours, minutes and seconds up. As in Psych the sign is that of the hours alone.
func seconds(s string, parts []string) event.Value {
	last := parts[len(parts)-1]
	unit := int64(3600)
	if strings.Contains(last, ".") {
		sum := 0.0
		for _, part := range parts {
			f, err := strconv.ParseFloat(part, 64)
			if err != nil {
				return event.StringValue(s)
			}
			sum += f * float64(unit)
			unit /= 60
		}
		return event.FloatValue(sum)
	}
	const most = 1 << 40
	sum := int64(0)
	for _, part := range parts {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil || n > most || n < -most {
			return event.StringValue(s) // no time of day, and beyond what the sum can hold
		}
		sum += n * unit
		unit /= 60
	}
	return event.IntValue(sum)
}

// integer reads digits with a prefix as Ruby knows it: 0x, 0b, or 0 for octal ones.
func integer(s string) event.Value {
	t := strings.ReplaceAll(s, "_", "")
	if i, err := strconv.ParseInt(t, 0, 64); err == nil {
		return event.IntValue(i)
	}
	if digits := strings.TrimLeft(t, "-+"); strings.Trim(digits, "0123456789") == "" && digits != "" && digits[0] != '0' {
		return event.BigIntValue(strings.TrimPrefix(t, "+"))
	}
	return event.StringValue(s)
}
