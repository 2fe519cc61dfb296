package jdbc

import "strings"

// kind is what a piece of a statement is.
type kind uint8

const (
	code   kind = iota // one byte that is in no quotes
	quoted             // a text in single quotes
	opaque             // a comment, a quoted name, a text in dollar quotes
)

// piece returns the end of the piece of a statement that begins at i. Quotes and comments that are not closed reach to the end.
func piece(sql string, i int, d Dialect) (end int, k kind) {
	rest := sql[i:]
	switch c := sql[i]; {
	case c == '\'':
		return quotes(sql, i, d == MySQL || escapes(sql, i)), quoted
	case c == '"':
		return quotes(sql, i, d == MySQL), opaque
	case c == '`' && d == MySQL:
		return quotes(sql, i, false), opaque
	case c == '#' && d == MySQL, strings.HasPrefix(rest, "--") && (d == Postgres || len(rest) == 2 || rest[2] <= ' '):
		if n := strings.IndexByte(rest, '\n'); n >= 0 {
			return i + n + 1, opaque
		}
		return len(sql), opaque
	case strings.HasPrefix(rest, "/*") && !(d == MySQL && strings.HasPrefix(rest, "/*!")): // which MySQL executes
		return comment(sql, i, d == Postgres), opaque
	case c == '$' && d == Postgres && (i == 0 || !word(sql[i-1])):
		if end := dollars(sql, i); end > 0 {
			return end, opaque
		}
	}
	return i + 1, code
}

// escapes reports whether the quote at i begins a text with backslashes as PostgreSQL writes it: E'...'.
func escapes(sql string, i int) bool {
	return i > 0 && sql[i-1]|0x20 == 'e' && (i == 1 || !word(sql[i-2]))
}

// quotes returns the end of what begins with the quote at i. Two quotes are one inside.
func quotes(sql string, i int, backslash bool) int {
	q := sql[i]
	for i++; i < len(sql); i++ {
		switch {
		case sql[i] == '\\' && backslash:
			i++
		case sql[i] != q:
		case i+1 < len(sql) && sql[i+1] == q:
			i++
		default:
			return i + 1
		}
	}
	return len(sql)
}

// comment returns the end of the comment at i.
func comment(sql string, i int, nested bool) int {
	depth := 0
	for i < len(sql) {
		switch {
		case strings.HasPrefix(sql[i:], "/*") && (depth == 0 || nested):
			depth++
			i += 2
		case strings.HasPrefix(sql[i:], "*/"):
			i += 2
			if depth--; depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(sql)
}

// dollars returns the end of a text in dollar quotes ($$...$$, $tag$...$tag$) that begins at i, 0 if none does.
func dollars(sql string, i int) int {
	n := i + 1
	for n < len(sql) && word(sql[n]) {
		n++
	}
	if n == len(sql) || sql[n] != '$' || n > i+1 && sql[i+1] >= '0' && sql[i+1] <= '9' {
		return 0
	}
	tag := sql[i : n+1]
	end := strings.Index(sql[n+1:], tag)
	if end < 0 {
		return len(sql)
	}
	return n + 1 + end + len(tag)
}

// word reports whether c may be part of a name.
func word(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c >= 0x80
}

// name returns the end of the name that begins at i, which is i if there is none.
func name(sql string, i int) int {
	for i < len(sql) && word(sql[i]) {
		i++
	}
	return i
}
