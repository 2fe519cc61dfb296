package config

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxLineWidth is how many columns of a source line a message shows.
const maxLineWidth = 120

// Render writes the list as text, each diagnostic with its source line and a caret under the place.
func (ds Diagnostics) Render(w io.Writer) error {
	_, err := io.WriteString(w, ds.String())
	return err
}

// RenderJSON writes the list as one JSON array.
func (ds Diagnostics) RenderJSON(w io.Writer) error {
	if ds == nil {
		ds = Diagnostics{}
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(ds)
}

// String returns the list as Render writes it.
func (ds Diagnostics) String() string {
	var b strings.Builder
	for _, d := range ds {
		b.WriteString(d.String())
	}
	return b.String()
}

// String returns the diagnostic with its source line and a caret, ending in a line break.
func (d Diagnostic) String() string {
	var b strings.Builder
	if d.File != "" {
		fmt.Fprintf(&b, "%s:%d:%d: ", d.File, d.Pos.Line, d.Pos.Column)
	}
	fmt.Fprintf(&b, "%s: %s\n", d.Severity, d.Summary)
	indent := "  "
	if d.file != nil && len(d.file.Text) > 0 {
		indent = d.sourceLine(&b)
	} else if d.Hint != "" {
		fmt.Fprintf(&b, "  %s\n", d.Hint)
	}
	if d.Detail != "" {
		for line := range strings.SplitSeq(strings.TrimRight(d.Detail, "\n"), "\n") {
			fmt.Fprintf(&b, "%s%s\n", indent, line)
		}
	}
	return b.String()
}

// sourceLine writes the line of the place and under it the caret and the hint. It returns what further lines begin with.
func (d Diagnostic) sourceLine(b *strings.Builder) string {
	number := fmt.Sprint(d.Pos.Line)
	indent := strings.Repeat(" ", len(number)+3) + "| "
	line := []rune(maskSecrets(d.file.Line(d.Pos.Line)))
	from := min(d.Pos.Column-1, len(line))
	to := len(line)
	if d.End.Line == d.Pos.Line {
		to = min(max(d.End.Column-1, from), len(line))
	}
	line, from, to = window(line, from, to)
	fmt.Fprintf(b, "  %s | %s\n", number, strings.TrimRight(printable(line), " \t"))
	b.WriteString(indent)
	for _, r := range line[:from] {
		if r == '\t' {
			b.WriteByte('\t')
		} else {
			b.WriteString(strings.Repeat(" ", width(r)))
		}
	}
	marked := 0
	for _, r := range line[from:to] {
		marked += width(r)
	}
	b.WriteString("^" + strings.Repeat("~", max(0, marked-1)))
	if d.Hint != "" {
		b.WriteString(" " + d.Hint)
	}
	b.WriteByte('\n')
	return indent
}

// window cuts a line that is too long to the part around the place.
func window(line []rune, from, to int) ([]rune, int, int) {
	if len(line) <= maxLineWidth {
		return line, from, to
	}
	start := max(0, min(from-maxLineWidth/3, len(line)-maxLineWidth))
	end := min(len(line), start+maxLineWidth)
	cut := append([]rune(nil), line[start:end]...)
	from, to = from-start, max(from, min(to, end))-start
	if start > 0 {
		cut, from, to = append([]rune{'…'}, cut...), from+1, to+1
	}
	if end < len(line) {
		cut = append(cut, '…')
	}
	return cut, from, min(to, len(cut))
}

// printable replaces characters that would disturb a terminal.
func printable(line []rune) string {
	var b strings.Builder
	for _, r := range line {
		switch {
		case r == '\t' || unicode.IsPrint(r):
			b.WriteRune(r)
		case width(r) == 0:
		default:
			b.WriteRune('·')
		}
	}
	return b.String()
}

// width returns how many columns a terminal gives a character: 0 for marks that join the one before, 2 for East Asian wide ones and emoji.
func width(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0x1100 && r <= 0x115f, r >= 0x2e80 && r <= 0x303e, r >= 0x3041 && r <= 0xa4cf, r >= 0xa960 && r <= 0xa97f,
		r >= 0xac00 && r <= 0xd7a3, r >= 0xf900 && r <= 0xfaff, r >= 0xfe30 && r <= 0xfe6f, r >= 0xff00 && r <= 0xff60,
		r >= 0xffe0 && r <= 0xffe6, r >= 0x1f300 && r <= 0x1f64f, r >= 0x1f680 && r <= 0x1f6ff, r >= 0x1f900 && r <= 0x1faff,
		r >= 0x20000 && r <= 0x3fffd:
		return 2
	}
	return 1
}

// secretWords mark option names whose quoted values are not shown.
var secretWords = [...]string{"password", "passphrase", "secret", "api_key", "cloud_auth", "token", "authorization"}

// maskSecrets replaces the quoted text after `… =>` by stars where the option's name says that it is secret, character by
// character, so that columns stay true. Messages go to logs, and logs go everywhere.
func maskSecrets(line string) string {
	lower := strings.ToLower(line)
	for _, w := range secretWords {
		for at := 0; ; {
			i := strings.Index(lower[at:], w)
			if i < 0 || len(lower) != len(line) {
				break
			}
			at += i + len(w)
			line = maskAfter(line, at)
		}
	}
	line = azureKey.ReplaceAllStringFunc(line, func(m string) string {
		i := strings.IndexByte(m, '=') + 1
		return m[:i] + strings.Repeat("*", utf8.RuneCountInString(m[i:]))
	})
	return userInfo.ReplaceAllStringFunc(line, func(m string) string {
		i := strings.IndexByte(m[len("://"):], ':') + len("://") + 1
		return m[:i] + strings.Repeat("*", utf8.RuneCountInString(m[i:])-1) + "@"
	})
}

// azureKey matches the key or signature of a connection string of Azure's services.
var azureKey = regexp.MustCompile(`(?i)(?:access|account)(?:key|signature)\s*=[^;"'\s]+`)

// userInfo matches the user and password of a URI.
var userInfo = regexp.MustCompile(`://[^\s/"':@]*:[^\s"']+@`)

// maskAfter masks the string that follows the option name ending at or after at.
func maskAfter(line string, at int) string {
	for at < len(line) && (isName(line[at]) || line[at] == '"' || line[at] == '\'') {
		at++
	}
	rest := strings.TrimLeft(line[at:], " \t:=>")
	start := len(line) - len(rest)
	if start == at || rest == "" || rest[0] != '"' && rest[0] != '\'' {
		return line
	}
	end, ok := quotedEnd(line, start)
	if ok {
		end--
	}
	secret := line[start+1 : max(start+1, end)]
	if strings.HasPrefix(secret, "${") {
		return line
	}
	return line[:start+1] + strings.Map(func(rune) rune { return '*' }, secret) + line[max(start+1, end):]
}
