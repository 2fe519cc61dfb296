package joda

import "fmt"

// PatternError says what is wrong with a pattern, and where.
type PatternError struct {
	Pattern string
	Offset  int // in bytes from the start of the pattern
	Reason  string
}

func (e *PatternError) Error() string {
	return fmt.Sprintf("date format %q: %s at offset %d", e.Pattern, e.Reason, e.Offset)
}

func patternErrorf(pattern string, offset int, format string, args ...any) error {
	return &PatternError{Pattern: pattern, Offset: offset, Reason: fmt.Sprintf(format, args...)}
}

// token is a run of one pattern letter, or literal text with its quotes resolved (letter 0).
type token struct {
	letter byte
	count  int
	text   string
	offset int
}

// tokenize cuts a Joda pattern. Text goes on to the next letter outside quotes; ” is a quote, inside quotes and outside; a
// quote that is never closed makes the rest text.
func tokenize(pattern string) []token {
	var tokens []token
	for i := 0; i < len(pattern); {
		start := i
		if c := pattern[i]; isLetter(c) {
			for i < len(pattern) && pattern[i] == c {
				i++
			}
			tokens = append(tokens, token{letter: c, count: i - start, offset: start})
			continue
		}
		var text []byte
		quoted := false
	literal:
		for ; i < len(pattern); i++ {
			switch c := pattern[i]; {
			case c == '\'' && i+1 < len(pattern) && pattern[i+1] == '\'':
				i++
				text = append(text, '\'')
			case c == '\'':
				quoted = !quoted
			case !quoted && isLetter(c):
				break literal
			default:
				text = append(text, c)
			}
		}
		tokens = append(tokens, token{text: string(text), offset: start})
	}
	return tokens
}

func isLetter(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z'
}

// jodaLetters are the letters a Joda pattern may hold.
const jodaLetters = "GCxyYMdahHkKmsSeEDwzZ"

// parsePattern cuts a Joda pattern and checks its letters.
func parsePattern(pattern string) ([]token, error) {
	tokens := tokenize(pattern)
	if len(tokens) == 0 || len(tokens) == 1 && tokens[0].letter == 0 && tokens[0].text == "" {
		return nil, patternErrorf(pattern, 0, "the format is empty")
	}
	for _, t := range tokens {
		if t.letter != 0 && !isOneOf(t.letter, jodaLetters) {
			return nil, patternErrorf(pattern, t.offset, "unknown letter %q", string(t.letter))
		}
	}
	return tokens, nil
}

func isOneOf(c byte, set string) bool {
	for i := 0; i < len(set); i++ {
		if set[i] == c {
			return true
		}
	}
	return false
}
