package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPluginsCommand(t *testing.T) {
	f := func(wantCode int, wants []string, args ...string) {
		t.Helper()
		code, out, errs := runCommand(t, append([]string{"plugins"}, args...)...)
		require.Equal(t, wantCode, code)
		for _, w := range wants {
			require.Contains(t, out+errs, w)
		}
	}
	f(0, []string{"filter/truncate\n", "input/tcp\n"})
	f(0, []string{
		"filter truncate\n  Shortens strings", "  length_bytes  number, required\n      Length to keep, in bytes", "Options of every filter\n", "add_tag  array\n",
		"Example\n  filter {\n",
	}, "filter/truncate")
	f(0, []string{"mode  string, one of server, client, default \"server\"\n      Whether to listen", "ssl_enable: obsolete: write ssl_enabled\n"}, "tcp")
	f(0, []string{"filter json\n", "codec json\n"}, "json")
	f(1, []string{`there is no plugin "nosuch"`}, "nosuch")
}

func TestWrap(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		var b strings.Builder
		wrap(&b, text, "  ")
		require.Equal(t, want, b.String())
	}
	f("one  two", "  one two\n")
	f("one\n\n\tcode  as is", "  one\n\n  \tcode  as is\n")
	long := strings.Repeat("word ", 25)
	f(long, "  "+strings.TrimSpace(strings.Repeat("word ", 19))+"\n  "+strings.TrimSpace(strings.Repeat("word ", 6))+"\n")
}
