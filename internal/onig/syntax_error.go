package onig

import "fmt"

// SyntaxError is the error of Compile: what is wrong and where in the pattern.
type SyntaxError struct {
	Pattern string
	Offset  int // in bytes
	Msg     string
}

// Error returns the message as Ruby words it, with the pattern and the offset.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: /%s/ (at offset %d)", e.Msg, e.Pattern, e.Offset)
}
