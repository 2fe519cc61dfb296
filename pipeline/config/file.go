package config

import (
	"sort"
	"unicode/utf8"
)

// Span is a range of byte offsets in the text of a File: Start is the first byte, End the one after the last.
type Span struct{ Start, End int }

// Range returns the span itself, so that embedding a Span makes a Node.
func (s Span) Range() Span { return s }

// Pos is a place in a file. Line and Column count from 1, Column in characters; Offset counts bytes from 0.
type Pos struct {
	Offset int `json:"offset"`
	Line   int `json:"line"`
	Column int `json:"column"`
}

// Place is a span of a certain file. The zero Place stands for "no place", as for a default value.
type Place struct {
	File *File
	Span
}

// File is one configuration file: its text, its syntax tree and its comments.
type File struct {
	// Name is the path as the user gave it; it begins every message.
	Name string
	// Text is what was parsed: the file's bytes as UTF-8, without a byte order mark. All offsets refer to it.
	Text string
	// Sections are the input, filter and output sections in the order of the text.
	Sections []*Section
	// Comments holds every comment in the order of the text.
	Comments []Comment

	lines []int // offset of the first byte of every line
}

// Comment is one comment: the span reaches from "#" to before the line break.
type Comment struct{ Span }

func newFile(name, text string) *File {
	f := &File{Name: name, Text: text, lines: []int{0}}
	for i := 0; i < len(text); i++ {
		if text[i] == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	return f
}

// lineIndex returns the index in f.lines of the line that holds offset.
func (f *File) lineIndex(offset int) int {
	return sort.SearchInts(f.lines, offset+1) - 1
}

// Position turns a byte offset into line and column. An offset outside the text is moved to its nearest end.
func (f *File) Position(offset int) Pos {
	offset = max(0, min(offset, len(f.Text)))
	i := f.lineIndex(offset)
	return Pos{Offset: offset, Line: i + 1, Column: utf8.RuneCountInString(f.Text[f.lines[i]:offset]) + 1}
}

// Line returns the text of a line, counted from 1, without its line break.
func (f *File) Line(n int) string {
	if n < 1 || n > len(f.lines) {
		return ""
	}
	start, end := f.lines[n-1], len(f.Text)
	if n < len(f.lines) {
		end = f.lines[n] - 1
	}
	if end > start && f.Text[end-1] == '\r' {
		end--
	}
	return f.Text[start:end]
}

// indent returns the width of the white space that begins the line of offset, a tab counting as one.
func (f *File) indent(offset int) int {
	i := f.lines[f.lineIndex(offset)]
	n := 0
	for i+n < len(f.Text) && (f.Text[i+n] == ' ' || f.Text[i+n] == '\t') {
		n++
	}
	return n
}

// firstOnLine tells whether only blanks stand before offset on its line.
func (f *File) firstOnLine(offset int) bool {
	return f.lines[f.lineIndex(offset)]+f.indent(offset) == offset
}
