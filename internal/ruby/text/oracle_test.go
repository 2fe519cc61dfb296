package text

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/big"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	randomRounds = flag.Int("random", 150, "number of random arguments that each function is compared with Ruby for")
	randomSeed   = flag.Int64("seed", 1, "the seed of the random arguments")
)

// differential collects Ruby expressions with our own answers and compares all of them with one Ruby process.
type differential struct {
	expressions, ours []string
}

// add notes that the expression, a format string for the literals of args, should have our answer.
func (d *differential) add(answer string, expression string, args ...any) {
	literals := make([]any, len(args))
	for i, a := range args {
		literals[i] = literal(a)
	}
	d.expressions = append(d.expressions, fmt.Sprintf(expression, literals...))
	d.ours = append(d.ours, answer)
}

// answers asks Ruby.
func (d *differential) answers(t *testing.T) []string {
	t.Helper()
	ruby, err := exec.LookPath("ruby")
	if err != nil {
		t.Skip("comparison with Ruby skipped: no ruby")
	}
	cmd := exec.Command(ruby, "-EUTF-8:UTF-8", "testdata/oracle.rb")
	cmd.Env = append(os.Environ(), "TZ=UTC", "LC_ALL=C.UTF-8")
	cmd.Stdin = strings.NewReader(strings.Join(d.expressions, "\n") + "\n")
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	require.NoError(t, cmd.Run(), "%s", stderr.Bytes())
	answers := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
	require.Len(t, answers, len(d.expressions))
	return answers
}

// compare reports the first differences from Ruby.
func (d *differential) compare(t *testing.T) {
	t.Helper()
	answers := d.answers(t)
	differences := 0
	for i, theirs := range answers {
		if theirs == d.ours[i] {
			continue
		}
		if differences++; differences <= 25 {
			t.Errorf("%s\n  we:   %s\n  Ruby: %s", d.expressions[i], d.ours[i], theirs)
		}
	}
	if differences > 25 {
		t.Errorf("%d differences of %d", differences, len(answers))
	}
}

// raw is Ruby source.
type raw string

// ascii8 is a string with the encoding ASCII-8BIT.
type ascii8 string

// literal returns Ruby source for a value.
func literal(v any) string {
	switch v := v.(type) {
	case raw:
		return string(v)
	case string:
		return `"` + sourceBytes(v) + `"`
	case ascii8:
		return `"` + sourceBytes(string(v)) + `".b`
	case float64:
		switch {
		case math.IsNaN(v):
			return "Float::NAN"
		case math.IsInf(v, 0):
			return map[bool]string{true: "Float::INFINITY", false: "(-Float::INFINITY)"}[v > 0]
		case v == 0 && math.Signbit(v):
			return "-0.0"
		}
		return fmt.Sprintf("%q.to_f", strconv.FormatFloat(v, 'e', -1, 64))
	case nil:
		return "nil"
	case Bytes:
		return literal(ascii8(v))
	case []Arg:
		parts := make([]string, len(v))
		for i, a := range v {
			parts[i] = literal(a)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case []string:
		parts := make([]string, len(v))
		for i, a := range v {
			parts[i] = literal(a)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case hash:
		parts := make([]string, 0, len(v))
		for k, a := range v {
			parts = append(parts, k+": "+literal(a))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprint(v)
}

func sourceBytes(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '#' {
			fmt.Fprintf(&b, `\x%02X`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

func shownBytes(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			fmt.Fprintf(&b, `\x%02X`, c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// show writes one of our answers as testdata/oracle.rb writes Ruby's.
func show(v any, err error) string {
	if err != nil {
		var e *Error
		if !errors.As(err, &e) {
			return "an error without class: " + err.Error()
		}
		return e.Class + ": " + shownBytes(e.Msg)
	}
	switch v := v.(type) {
	case nil:
		return "nil"
	case string:
		return `"` + shownBytes(v) + `"`
	case Bytes:
		return show(string(v), nil)
	case float64:
		return showFloat(v)
	case Int:
		return v.String()
	case *big.Int:
		return v.String()
	case time.Time:
		return showTime(v)
	case []string:
		parts := make([]string, len(v))
		for i, s := range v {
			parts[i] = show(s, nil)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case []Arg:
		parts := make([]string, len(v))
		for i, a := range v {
			parts[i] = show(a, nil)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(v)
}

func showFloat(f float64) string {
	if math.IsNaN(f) {
		return "NaN"
	}
	if math.IsInf(f, 0) {
		return map[bool]string{true: "Inf", false: "-Inf"}[f > 0]
	}
	s, err := Format("%.17g", []Arg{f})
	if err != nil {
		return err.Error()
	}
	return s
}

// showTime writes with Go's own formatting, so that a defect of ours does not hide another.
func showTime(t time.Time) string {
	_, offset := t.Zone()
	sign := '+'
	if offset < 0 {
		sign, offset = '-', -offset
	}
	year := fmt.Sprintf("%04d", t.Year())
	if t.Year() < 0 {
		year = fmt.Sprintf("-%04d", -t.Year())
	}
	return fmt.Sprintf("T%s-%s%c%02d:%02d:%02d", year, t.Format("01-02T15:04:05.000000000"), sign, offset/3600, offset/60%60, offset%60)
}

// hash is a Hash with symbols as keys.
type hash map[string]Arg

func (hash) ClassName() string        { return "Hash" }
func (hash) ToS() (string, error)     { return "{}", nil }
func (hash) Inspect() (string, error) { return "{}", nil }

func (h hash) Lookup(name string) (Arg, bool, error) {
	v, ok := h[name]
	return v, ok, nil
}

var _ Lookup = hash{}
