package text

import "strings"

// ShellSplit is Shellwords.split: the words of a line as a POSIX shell takes them apart.
func ShellSplit(s string) ([]string, error) {
	var words []string
	var word []byte
	begun := false
	unmatched := argumentError("Unmatched quote: %s", Inspect(s))
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case isSpace(c):
			if begun {
				words = append(words, string(word))
				word, begun = word[:0], false
			}
			i++
		case c == '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return nil, unmatched
			}
			word = append(word, s[i+1:i+1+end]...)
			begun = true
			i += end + 2
		case c == '"':
			out, n := doubleQuoted(word, s[i+1:])
			if n < 0 {
				return nil, unmatched
			}
			word, begun = out, true
			i += n + 1
		case c == '\\' && i+1 < len(s):
			if s[i+1] == '\n' { // which the pattern of Shellwords does not take
				word = append(word, '\\')
			}
			word = append(word, s[i+1])
			begun = true
			i += 2
		default:
			word = append(word, c)
			begun = true
			i++
		}
	}
	if begun {
		words = append(words, string(word))
	}
	return words, nil
}

// doubleQuoted appends the text of double quotes, of which s begins behind the first; n is its length with the last, -1 without one.
func doubleQuoted(dst []byte, s string) (out []byte, n int) {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return dst, i + 1
		case s[i] == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\\n", s[i+1]) >= 0:
			i++
			dst = append(dst, s[i])
		case s[i] == '\\' && i+1 == len(s):
			return dst, -1
		default:
			dst = append(dst, s[i])
		}
	}
	return dst, -1
}

// ShellEscape is Shellwords.escape.
func ShellEscape(s string) string {
	if s == "" {
		return "''"
	}
	var b strings.Builder
	for _, c := range characters(s) {
		switch {
		case c == "\n":
			b.WriteString("'\n'")
		case isUnreserved(c[0], "_-.,:+/@"):
			b.WriteString(c)
		default:
			b.WriteByte('\\')
			b.WriteString(c)
		}
	}
	return b.String()
}

// ShellJoin is Shellwords.join.
func ShellJoin(words []string) string {
	escaped := make([]string, len(words))
	for i, w := range words {
		escaped[i] = ShellEscape(w)
	}
	return strings.Join(escaped, " ")
}
