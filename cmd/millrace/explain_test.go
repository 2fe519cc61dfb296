package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestExplainCommand(t *testing.T) {
	dir := t.TempDir()
	one := writeTestFile(t, dir, "one.conf", `input { stdin { } } filter { grok { match => { "message" => "%{COMBINEDAPACHELOG}" } } }`)
	two := writeTestFile(t, dir, "two.conf", `filter { if [a] { drop { } } }`)
	broken := writeTestFile(t, dir, "broken.conf", `filter {`)
	f := func(wantCode int, wants []string, args ...string) string {
		t.Helper()
		code, out, errs := runCommand(t, append([]string{"explain"}, args...)...)
		require.Equal(t, wantCode, code, errs)
		for _, w := range wants {
			require.Contains(t, out+errs, w)
		}
		return out
	}
	f(0, []string{"input\n  1. stdin codec line  " + one + ":1\n", "(here v8)", "v1, v8:   [host][hostname]", "[source][address]"}, one)
	f(0, []string{"(here disabled)"}, one, "--pipeline.ecs_compatibility", "disabled")
	f(0, []string{"== " + one, "== " + two, "if [a]  (needs [a])"}, one, two)
	f(1, []string{"broken.conf:1:"}, broken)
	f(1, []string{"no configuration found"}, dir+"/gone.conf")
	f(1, []string{"--format is text or json"}, one, "--format", "xml")
	var doc []struct {
		Pipeline string
		Filters  []struct{ Arms []struct{ Needs []string } }
	}
	require.NoError(t, json.Unmarshal([]byte(f(0, nil, two, "--format", "json")), &doc))
	require.Equal(t, []string{"[a]"}, doc[0].Filters[0].Arms[0].Needs)
}
