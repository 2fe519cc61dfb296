package grok

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestDiagnostics(t *testing.T) {
	f := func(options string, want ...string) {
		t.Helper()
		got := filtertest.Diagnose(Plugin, options)
		for _, part := range want {
			require.Contains(t, got, part)
		}
	}
	f(`match => { "message" => "ab %{WROD:x}" }`, "test.conf:1:", `unknown pattern "WROD"`, `did you mean "WORD"?`)
	f(`match => { "message" => ["fine", "ab %{WROD:x}"] }`, `unknown pattern "WROD"`)
	f(`match => { "message" => "%{WORD:w" "other" => "(" "third" => "%{NOPE}" }`, `option "match"`, "unmatched parenthesis", "NOPE")
	f(`match => { "message" => 5 }`, "a pattern must be a string, got 5")
	f(`match => { "message" => "%{WORD:[x}" }`, "fails for every event")
	f(`patern_definitions => {}`, `did you mean "pattern_definitions"?`)
	f(`timeout_scope => "line"`, "timeout_scope")
	f(`timeout_millis => "soon"`, "timeout_millis")
	f(`match => { "message" => "%{MINE}" } patterns_dir => ["/nonexistent/patterns"]`, "/nonexistent/patterns", "MINE")
	// Where all patterns are known nothing is missed, and Logstash runs.
	f(`match => { "message" => "%{WORD}" } patterns_dir => ["/nonexistent/patterns"]`, "warning", "/nonexistent/patterns")
	f(`pattern => "%{WORD:w}"`, `option "pattern"`, "match")
	f(`pattern => "%{WROD:w}"`, `unknown pattern "WROD"`)
	f(`singles => true`, "no effect")
	f(`drop_if_match => true`, "drop filter")
	require.Empty(t, filtertest.Diagnose(Plugin, `match => { "message" => "%{WORD:w}" } target => "[a][b]" overwrite => ["message"]`))
}
