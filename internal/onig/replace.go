package onig

// ReplaceAll appends s to dst with every match replaced by what repl appends, as Ruby's gsub does: after an empty match the search goes on one character
// later. repl may ask m for groups.
func (re *Regexp) ReplaceAll(dst []byte, m *Matcher, s string, repl func(dst []byte, m *Matcher) []byte) []byte {
	copied := 0
	for pos := 0; pos <= len(s) && m.MatchAt(s, pos); {
		start, end := m.Group(0)
		if start > copied {
			dst = append(dst, s[copied:start]...)
		}
		dst = repl(dst, m)
		copied = max(copied, end)
		if end > start {
			pos = end
			continue
		}
		if end >= len(s) {
			break
		}
		pos = int(charEnd(s, int32(end)))
	}
	return append(dst, s[copied:]...)
}
