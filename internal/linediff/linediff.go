// Package linediff compares texts line by line.
package linediff

import (
	"fmt"
	"strings"
)

// context is how many equal lines surround a change.
const context = 3

// Unified returns what changes old into new in the unified format of diff, "" if they are equal.
func Unified(oldName, newName, old, new string) string {
	if old == new {
		return ""
	}
	ops := compare(split(old), split(new))
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", oldName, newName)
	for start := 0; ; {
		first := start
		for first < len(ops) && ops[first].kind == ' ' {
			first++
		}
		if first == len(ops) {
			return b.String()
		}
		from := max(start, first-context)
		end, quiet := first, 0
		for end < len(ops) && quiet <= 2*context {
			if ops[end].kind == ' ' {
				quiet++
			} else {
				quiet = 0
			}
			end++
		}
		end -= max(0, quiet-context)
		hunk(&b, ops[:from], ops[from:end])
		start = end
	}
}

// op is one line: kept (' '), removed ('-') or added ('+').
type op struct {
	kind byte
	line string
}

func hunk(b *strings.Builder, before, ops []op) {
	oldLine, newLine := count(before)
	oldLines, newLines := count(ops)
	fmt.Fprintf(b, "@@ -%s +%s @@\n", span(oldLine, oldLines), span(newLine, newLines))
	for _, o := range ops {
		b.WriteByte(o.kind)
		b.WriteString(o.line)
		if !strings.HasSuffix(o.line, "\n") {
			b.WriteString("\n\\ No newline at end of file\n")
		}
	}
}

// span writes where lines stand: an empty range names the line before it.
func span(before, lines int) string {
	switch lines {
	case 0:
		return fmt.Sprintf("%d,0", before)
	case 1:
		return fmt.Sprint(before + 1)
	}
	return fmt.Sprintf("%d,%d", before+1, lines)
}

func count(ops []op) (oldLines, newLines int) {
	for _, o := range ops {
		if o.kind != '+' {
			oldLines++
		}
		if o.kind != '-' {
			newLines++
		}
	}
	return oldLines, newLines
}

func split(text string) []string {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, line)
	}
	return lines
}

// maxCells bounds the table of compare: 64 MiB. What is larger is told as one change.
const maxCells = 16 << 20

// compare finds a longest common sequence of lines, behind the lines that both begin and before those that both end with.
func compare(old, new []string) []op {
	var ops, tail []op
	for len(old) > 0 && len(new) > 0 && old[0] == new[0] {
		ops = append(ops, op{' ', old[0]})
		old, new = old[1:], new[1:]
	}
	for len(old) > 0 && len(new) > 0 && old[len(old)-1] == new[len(new)-1] {
		tail = append(tail, op{' ', old[len(old)-1]})
		old, new = old[:len(old)-1], new[:len(new)-1]
	}
	ops = append(ops, middle(old, new)...)
	for i := len(tail) - 1; i >= 0; i-- {
		ops = append(ops, tail[i])
	}
	return ops
}

func middle(old, new []string) []op {
	var ops []op
	width := len(new) + 1
	common := make([]int32, 0)
	if (len(old)+1)*width <= maxCells {
		common = make([]int32, (len(old)+1)*width) // of old[i:] and new[j:], at i*width+j
		for i := len(old) - 1; i >= 0; i-- {
			for j := len(new) - 1; j >= 0; j-- {
				if old[i] == new[j] {
					common[i*width+j] = common[(i+1)*width+j+1] + 1
				} else {
					common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
				}
			}
		}
	}
	i, j := 0, 0
	for i < len(old) || j < len(new) {
		switch {
		case len(common) > 0 && i < len(old) && j < len(new) && old[i] == new[j]:
			ops = append(ops, op{' ', old[i]})
			i, j = i+1, j+1
		case i < len(old) && (j == len(new) || len(common) == 0 || common[(i+1)*width+j] >= common[i*width+j+1]):
			ops = append(ops, op{'-', old[i]})
			i++
		default:
			ops = append(ops, op{'+', new[j]})
			j++
		}
	}
	return ops
}
