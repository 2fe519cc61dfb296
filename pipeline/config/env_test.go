package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExpandCond(t *testing.T) {
	lookup := func(name string) (string, bool) { return "es01", name == "HOST" }
	f := func(cond, want string, places ...int) {
		t.Helper()
		file, ds := Parse("", []byte("filter { if "+cond+" { } }"), ParseOptions{})
		require.False(t, ds.HasErrors(), ds.String())
		branch := file.Sections[0].Body[0].(*IfNode).Branches[0]
		before := branch.Cond
		got, ds := ExpandCond(file, branch.Cond, lookup)
		require.Len(t, ds, len(places))
		for i, column := range places {
			require.Equal(t, column, ds[i].Pos.Column)
		}
		var b strings.Builder
		dumpCond(&b, got)
		require.Equal(t, want, strings.Join(strings.Fields(b.String()), " "))
		require.Same(t, before, branch.Cond)
	}
	f(`[a] == "${HOST}"`, `[a] =="es01"`)
	f(`[a] == "${HOST}.local"`, `[a] =="${HOST}.local"`)
	f(`[a] in ["${HOST}", "x${HOST}"]`, `[a] in(negate false) ["es01" "x${HOST}" ]`)
	f(`!("${NO:x}" in [b]) and [a] != '${HOST}'`, `(!"x" in(negate false) [b] and [a] !="es01" )`)
	f(`[a] =~ "${HOST}" or [b] =~ /${HOST}/`, `([a] match(negate false) "${HOST}" or [b] match(negate false) /${HOST}/ )`)
	f(`[a] == "${NO}"`, `[a] ==""`, 21)
}

func TestSubstitute(t *testing.T) {
	got, err := Substitute("a ${B:c} ${D} $E ${1}", func(name string) (string, bool) { return "d", name == "D" })
	require.NoError(t, err)
	require.Equal(t, "a c d $E ${1}", got)
	_, err = Substitute("${NO}", nil)
	require.ErrorContains(t, err, "NO")
}
