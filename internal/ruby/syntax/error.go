package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Error tells what is wrong with a source and where.
type Error struct {
	Offset       int // in bytes
	Line, Column int // from 1
	Msg          string
}

// Error returns the message with its place in the code.
func (e *Error) Error() string { return fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Msg) }

// NewError returns an error about the place at offset of src.
func NewError(src string, offset int, format string, args ...any) *Error {
	line, column := Place(src, offset)
	return &Error{Offset: offset, Line: line, Column: column, Msg: fmt.Sprintf(format, args...)}
}

// Place returns the line and the column, both from 1, of offset in src.
func Place(src string, offset int) (line, column int) {
	offset = max(0, min(offset, len(src)))
	before := src[:offset]
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}
