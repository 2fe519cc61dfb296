package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseCondition(t *testing.T) {
	for _, text := range []string{`[a]`, ` [a][b] == "x" and !([c] in ["y", "z"]) # why`, `[message] =~ /a b/ or [n] > 4.5`, `"x" in [tags]`} {
		f, c, diags := ParseCondition("if", text)
		require.Empty(t, diags, text)
		require.NotNil(t, c, text)
		require.Equal(t, text, f.Text)
	}

	f := func(text, want string, column int) {
		t.Helper()
		_, c, diags := ParseCondition("if", text)
		require.Nil(t, c, text)
		require.True(t, diags.HasErrors(), text)
		require.Contains(t, diags.String(), want)
		require.Equal(t, column, diags[0].Pos.Column, diags.String())
		require.Equal(t, "if", diags[0].File)
	}
	f("", "the condition is empty", 1)
	f("  # nothing", "the condition is empty", 12)
	f(`[a] == `, "expected", 8)
	f(`[a] == "x" } } output { stdout {} }`, "after the end of the condition", 12)
	f(`[a] == "x" { drop {} }`, "no statements", 12)
	f(`[a] == "x" [b]`, "after the end of the condition", 12)
	f(`[a] == "x" also [b]`, "joined by and", 12)
	f(`[a] && [b]`, "write and", 5)
	f(`[a`, "", 1)
	f(`[a] == "x`, "", 8)
	f(`[a] == "x\`, "", 8)
	f(strings.Repeat("(", 100000), "nested more than", 501)
}

func FuzzParseCondition(f *testing.F) {
	for _, text := range []string{`[a] == "x" and [b]`, `"x" in ["y"`, `![a] =~ /x/`, "[a] == 'x\n'y { drop {", `[a] == { "b" => "c" } }`, "not in", `("`, "\xff\xfe"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		_, c, diags := ParseCondition("if", text)
		if (c == nil) != diags.HasErrors() {
			t.Fatalf("%q: condition %v, %s", text, c, diags)
		}
	})
}
