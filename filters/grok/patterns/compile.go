package patterns

import (
	"errors"

	"millrace/internal/onig"
)

// Compile expands a pattern and compiles it as grok does: the dot matches a newline. An error is an *Error, with the place in the
// pattern or in the definition that holds the mistake.
func (s *Set) Compile(pattern string, namedOnly bool) (*onig.Regexp, *Expansion, error) {
	x, err := s.Expand(pattern, namedOnly)
	if err != nil {
		return nil, nil, err
	}
	re, err := onig.Compile(x.Regexp, onig.MultiLine)
	if err != nil {
		return nil, nil, x.Pinpoint(check)
	}
	return re, x, nil
}

// check is a Checker.
func check(regexp string) (offset int, msg string, ok bool) {
	_, err := onig.Compile(regexp, onig.MultiLine)
	var syntax *onig.SyntaxError
	switch {
	case err == nil:
		return 0, "", true
	case errors.As(err, &syntax):
		return syntax.Offset, syntax.Msg, false
	}
	return 0, err.Error(), false
}
