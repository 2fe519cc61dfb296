package text

import "strings"

// Lines is String#lines(sep, chomp: chomp); an empty sep separates paragraphs.
func Lines(s, sep string, chomp bool) []string {
	if sep == "" {
		return paragraphs(s, chomp)
	}
	var out []string
	for s != "" {
		i := strings.Index(s, sep)
		if i < 0 {
			return append(out, s)
		}
		end := i
		if !chomp {
			end += len(sep)
		} else if sep == "\n" && i > 0 && s[i-1] == '\r' {
			end--
		}
		out = append(out, s[:end])
		s = s[i+len(sep):]
	}
	return out
}

// paragraphs splits where there are two line ends or more; it keeps two of them, or with chomp one.
func paragraphs(s string, chomp bool) []string {
	var out []string
	for s != "" {
		first, end := paragraphEnd(s)
		if first < 0 {
			return append(out, s)
		}
		if chomp {
			out = append(out, s[:first])
		} else {
			out = append(out, s[:end])
		}
		s = s[end:]
		for n := lineEnd(s); n > 0; n = lineEnd(s) {
			s = s[n:]
		}
	}
	return out
}

// paragraphEnd returns where the first and the second of two line ends in a row end, -1 if there are none.
func paragraphEnd(s string) (first, second int) {
	for i := 0; ; {
		k := strings.IndexByte(s[i:], '\n')
		if k < 0 {
			return -1, -1
		}
		i += k + 1
		if n := lineEnd(s[i:]); n > 0 {
			return i, i + n
		}
	}
}

// lineEnd is the length of the line end that s begins with.
func lineEnd(s string) int {
	switch {
	case strings.HasPrefix(s, "\n"):
		return 1
	case strings.HasPrefix(s, "\r\n"):
		return 2
	}
	return 0
}

// Chomp is String#chomp.
func Chomp(s string) string {
	if t, ok := strings.CutSuffix(s, "\n"); ok {
		return strings.TrimSuffix(t, "\r")
	}
	return strings.TrimSuffix(s, "\r")
}

// ChompSuffix is String#chomp(sep). An empty sep cuts all line ends, but no lone carriage return.
func ChompSuffix(s, sep string) string {
	switch sep {
	case "\n":
		return Chomp(s)
	case "":
		for strings.HasSuffix(s, "\n") {
			s = strings.TrimSuffix(s[:len(s)-1], "\r")
		}
		return s
	}
	return strings.TrimSuffix(s, sep)
}

// Chop is String#chop.
func Chop(s string) string {
	if strings.HasSuffix(s, "\r\n") {
		return s[:len(s)-2]
	}
	return s[:len(s)-lastCharLen(s)]
}

// Strip is String#strip: white space of ASCII and NUL.
func Strip(s string) string { return Lstrip(Rstrip(s)) }

// Lstrip is String#lstrip.
func Lstrip(s string) string {
	for s != "" && (s[0] == 0 || isSpace(s[0])) {
		s = s[1:]
	}
	return s
}

// Rstrip is String#rstrip.
func Rstrip(s string) string {
	for s != "" && (s[len(s)-1] == 0 || isSpace(s[len(s)-1])) {
		s = s[:len(s)-1]
	}
	return s
}
