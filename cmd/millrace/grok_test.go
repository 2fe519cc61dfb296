package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGrokCommand(t *testing.T) {
	f := func(in string, want string, wantErr string, args ...string) {
		t.Helper()
		var out strings.Builder
		p := &program{out: &out}
		cmd := p.grokCommand()
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		cmd.SetArgs(args)
		cmd.SetIn(strings.NewReader(in))
		err := cmd.Execute()
		if wantErr == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, wantErr)
		}
		require.Contains(t, out.String(), want)
	}
	f("10.0.0.1 GET\n", `client: "10.0.0.1"`, "", "%{IP:client}")
	f("x y\n", `WORD: "x"`, "", "--all_captures", "%{WORD}")
	f("ab-12\n", `id: "ab-12"`, "", "--define", "ID=[a-z]+-[0-9]+", "%{ID:id}")
	f(`a - - [10/Oct/2023:13:55:36 +0000] "GET / HTTP/1.0" 200 5`, `[source][address]: "a"`, "", "%{COMMONAPACHELOG}")
	f(`a - - [10/Oct/2023:13:55:36 +0000] "GET / HTTP/1.0" 200 5`, `clientip: "a"`, "", "--ecs_compatibility", "disabled", "%{COMMONAPACHELOG}")
	f("abc\n", "no match", "exit 1", "%{INT:n}")
	f("", "", "unknown pattern", "%{NOPE}")
	f("", "", "invalid --ecs_compatibility", "--ecs_compatibility", "v7", "a")
	f("", "", "arg", "a", "b")
}
