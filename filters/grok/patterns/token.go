package patterns

import "strings"

// token is one reference %{NAME:capture=definition}.
type token struct {
	name string

	// group is NAME or NAME:capture, which is what the named group of the expansion is called. It captures only if
	// it has a capture.
	group   string
	capture bool

	// inline is the text behind "=", which defines NAME here and for the rest of the pattern.
	inline    string
	hasInline bool
	inlineAt  int

	end int // behind the "}"
}

// scanToken reads the reference that begins at s[i:], which begins with "%{". Where there is none, it is plain text.
//
// What counts as one is taken over from Logstash, where a regular expression decides: text between the name and the "}"
// that is no part of the grammar is ignored, so %{WORD:w?} and %{WORD:w bla} capture w. A name is made of the
// characters from "A" to "z" of ASCII, which includes [ \ ] ^ _ and the grave accent.
func scanToken(s string, i int) (token, bool) {
	j := i + 2
	for j < len(s) && isNameByte(s[j]) {
		j++
	}
	if j == i+2 {
		return token{}, false
	}
	t := token{name: s[i+2 : j]}
	if j < len(s) && s[j] == ':' {
		k := j + 1
		for k < len(s) && isCaptureByte(s[k]) {
			k++
		}
		if k > j+1 {
			j = k
			t.capture = true
		}
	}
	t.group = s[i+2 : j]
	if j < len(s) && s[j] == '=' {
		if end := definitionEnd(s, j+1); end >= 0 {
			t.inline, t.hasInline, t.inlineAt = s[j+1:end], true, j+1
			j = end
		}
	}
	shut := strings.IndexByte(s[j:], '}')
	if shut < 0 {
		return token{}, false
	}
	t.end = j + shut + 1
	return t, true
}

func isNameByte(c byte) bool {
	return c >= 'A' && c <= 'z' || c >= '0' && c <= '9'
}

func isCaptureByte(c byte) bool {
	return isNameByte(c) || c == '@' || c == ':' || c == '.' || c == '-'
}

// definitionEnd returns the end of the inline definition that begins at s[i:], or -1 if there is none: braces in it are
// balanced, and a "}" follows. A backslash takes everything up to the last "}" of its line, as it does in Logstash.
func definitionEnd(s string, i int) int {
	if i >= len(s) {
		return -1
	}
	end := i
	switch s[i] {
	case '}':
		return -1
	case '{':
		if end = closingBrace(s, i) + 1; end == 0 {
			return -1
		}
	case '\\':
		line := strings.IndexByte(s[i:], '\n')
		if line < 0 {
			line = len(s) - i
		}
		end = i + line
		if end < i+2 {
			return -1
		}
		if more := definitionEnd(s, end); more >= 0 {
			return more
		}
		if strings.IndexByte(s[end:], '}') >= 0 {
			return end
		}
		last := strings.LastIndexByte(s[i+2:end], '}')
		if last < 0 {
			return -1
		}
		return i + 2 + last
	default:
		run := strings.IndexAny(s[i:], `{}\`)
		if run < 0 {
			return -1 // no "}" can follow
		}
		end = i + run
	}
	if more := definitionEnd(s, end); more >= 0 {
		return more
	}
	if strings.IndexByte(s[end:], '}') >= 0 {
		return end
	}
	return -1
}

// closingBrace returns the place of the brace that closes the one at s[i], or -1.
func closingBrace(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return -1
}
