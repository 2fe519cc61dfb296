package config

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity says what a Diagnostic means for the configuration.
type Severity uint8

// The severities. Only an Error refuses the configuration.
const (
	Error Severity = iota
	Warning
	Info
)

// String returns the word that the rendered message has.
func (s Severity) String() string { return [...]string{"error", "warning", "info"}[s] }

// MarshalText gives the severity its word in JSON.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Diagnostic is one thing to say about a configuration, with its place.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	// Code names the kind of mistake for programs, such as "unknown-option". It never changes meaning.
	Code string `json:"code"`
	// File, Pos and End say where; File is empty when there is no place.
	File string `json:"file,omitempty"`
	Pos  Pos    `json:"pos"`
	End  Pos    `json:"end"`
	// Summary is the message: one line, lower case, no full stop.
	Summary string `json:"summary"`
	// Detail says more where one line is not enough.
	Detail string `json:"detail,omitempty"`
	// Hint is the way out, such as: did you mean "length_bytes"?
	Hint string `json:"hint,omitempty"`

	file *File
}

// Diagnostics is a list of them. A nil list is an empty one.
type Diagnostics []Diagnostic

// At makes a Diagnostic for a place; p may be the zero Place.
func At(p Place, severity Severity, code, summary string) Diagnostic {
	d := Diagnostic{Severity: severity, Code: code, Summary: summary}
	if p.File != nil {
		d.file, d.File = p.File, p.File.Name
		d.Pos, d.End = p.File.Position(p.Start), p.File.Position(max(p.Start, p.End))
	}
	return d
}

// Errorf makes an error for a place.
func Errorf(p Place, code, format string, args ...any) Diagnostic {
	return At(p, Error, code, fmt.Sprintf(format, args...))
}

// Warnf makes a warning for a place.
func Warnf(p Place, code, format string, args ...any) Diagnostic {
	return At(p, Warning, code, fmt.Sprintf(format, args...))
}

// WithHint returns d with a hint.
func (d Diagnostic) WithHint(format string, args ...any) Diagnostic {
	d.Hint = fmt.Sprintf(format, args...)
	return d
}

// WithDetail returns d with a detail.
func (d Diagnostic) WithDetail(format string, args ...any) Diagnostic {
	d.Detail = fmt.Sprintf(format, args...)
	return d
}

// HasErrors tells whether the list refuses the configuration.
func (ds Diagnostics) HasErrors() bool {
	return slices.ContainsFunc(ds, func(d Diagnostic) bool { return d.Severity == Error })
}

// Count returns how many diagnostics of a severity there are.
func (ds Diagnostics) Count(s Severity) int {
	n := 0
	for _, d := range ds {
		if d.Severity == s {
			n++
		}
	}
	return n
}

// Sort orders by file, place and severity, and drops exact repetitions. Files keep the order of their names.
func (ds *Diagnostics) Sort() {
	slices.SortStableFunc(*ds, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Pos.Offset, b.Pos.Offset), cmp.Compare(a.Severity, b.Severity))
	})
	*ds = slices.Compact(*ds)
}

// Err returns the list as an error if it holds one, else nil.
func (ds Diagnostics) Err() error {
	if !ds.HasErrors() {
		return nil
	}
	return diagnosticsError{ds}
}

// diagnosticsError is the error form of a list: its text is the rendered list.
type diagnosticsError struct{ Diagnostics }

func (e diagnosticsError) Error() string { return e.Diagnostics.String() }
