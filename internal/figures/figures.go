// Package figures writes numbers and tables for people at a terminal, for the sub-commands that show them.
package figures

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Table returns a line of text for each of rows, whose cells stand below each other. The first numeric columns are aligned to the right,
// the others to the left. All rows have as many cells as the first.
func Table(rows [][]string, numeric int) []string {
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	out := make([]string, len(rows))
	for n, r := range rows {
		var b strings.Builder
		for i, cell := range r {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if i < numeric {
				cell, pad = pad, cell
			}
			b.WriteString("  " + cell + pad)
		}
		out[n] = strings.TrimRight(b.String(), " ")
	}
	return out
}

// Percent writes a share of 1 in percent, with one digit behind the point below a tenth.
func Percent(f float64) string {
	digits := 0
	if f > 0 && f < 0.1 {
		digits = 1
	}
	return strconv.FormatFloat(f*100, 'f', digits, 64) + " %"
}

// Grouped writes n with a comma before each three digits.
func Grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
