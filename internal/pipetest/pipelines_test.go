package pipetest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestSeveralPipelines: pipelines of a pipelines.yml stay connected; what is tested is what reaches the outputs behind.
func TestSeveralPipelines(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "first.conf", `
input { stdin { id => "in" tags => ["lines"] } }
filter { mutate { id => "m1" add_field => { "[@metadata][seen]" => "yes" } } }
output {
  if [message] != "lost" { pipeline { id => "on" send_to => ["second", "third"] } }
  if [message] == "both" { stdout { id => "z_first" } }
}`)
	write(t, dir, "second.conf", `
input { pipeline { id => "from_first" address => "second" tags => ["linked"] } }
filter { mutate { id => "m2" add_field => { "meta" => "%{[@metadata][seen]}" } } }
output { file { id => "a_second" path => "/nowhere" } }`)
	write(t, dir, "third.conf", `
input { pipeline { address => "third" } }
filter { if [message] != "both" { drop { id => "d" } } }
output { pipeline { id => "nobody_listens" send_to => "fourth" } }`)
	write(t, dir, "all.yml", `
- { pipeline.id: three, path.config: third.conf }
- { pipeline.id: one, path.config: "first.c*" }
- { pipeline.id: two, path.config: second.conf, pipeline.ecs_compatibility: disabled }
`)
	pipelines, base := filepath.Join(dir, "all.yml"), ""
	f := func(name, text string) {
		t.Helper()
		o := options(t)
		o.Configs, o.PipelineBase = []string{pipelines}, base
		results, err := runFile(t, o, write(t, t.TempDir(), name, text))
		require.NoError(t, err)
		require.NotEmpty(t, results)
		require.NotContains(t, report(results), "FAIL")
	}
	f("verifier.yml", `
input_plugin: in
export_outputs: true
fields: { x: 1 }
ignore: ["@timestamp", event]
testcases:
- input: [one]
  expected:
  - { message: one, x: 1, tags: [lines, linked], meta: "yes", __lfv_out_passed: a_second }
- input: [both, lost]
  expected:
  - { message: both, x: 1, tags: [lines, linked], meta: "yes", __lfv_out_passed: a_second }
  - { message: both, x: 1, tags: [lines], __lfv_out_passed: nobody_listens }
  - { message: both, x: 1, tags: [lines], __lfv_out_passed: z_first }
`)
	f("own.test.yml", `
ignore: ["@timestamp", event]
fields: { x: 1 }
testcases:
- input: one
  expected: [{ message: one, x: 1, tags: [lines, linked], meta: "yes" }]
- input: [lost, { message: event }]
  expected:
  - { message: lost, x: 1, tags: [lines] } # past all outputs of the first
  - { message: event, x: 1, tags: [lines, linked], meta: "yes" }
`)
	pipelines, base = filepath.Join(t.TempDir(), "moved.yml"), dir
	require.NoError(t, os.Rename(filepath.Join(dir, "all.yml"), pipelines))
	f("named.test.yml", `
input_plugin: from_first
ignore: ["@timestamp", event]
input: { message: x }
expected: [{ message: x, tags: [linked], meta: "%{[@metadata][seen]}" }]
`)
}

// TestLastEventsPassOn: what filters give at the end goes through the pipelines behind, too.
func TestLastEventsPassOn(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "all.yml", `
- pipeline.id: behind
  config.string: 'input { pipeline { address => "b" } } filter { mutate { id => "m" add_tag => "behind" } } output { stdout { } }'
- pipeline.id: before
  config.string: 'input { stdin { } } filter { multiline { pattern => "^ " what => "previous" } } output { pipeline { send_to => "b" } }'
`)
	results, err := runFile(t, options(t), write(t, dir, "x.test.yml", `
config: all.yml
ignore: ["@timestamp", event]
input: ["a", " b"]
expected: [{ message: "a\n b", tags: [multiline, behind] }]
`))
	require.NoError(t, err)
	require.NotContains(t, report(results), "FAIL")
}

// TestVerifierHabits: what files of logstash-filter-verifier rely on without saying so.
func TestVerifierHabits(t *testing.T) {
	dir := t.TempDir()
	conf := write(t, dir, "x.conf", `
input { pipeline { id => "in" address => "x" } beats { id => "lines" port => 5044 codec => multiline { pattern => "^ " what => "previous" } } }
filter { clone { id => "c" clones => ["copy"] ecs_compatibility => disabled } }
output { if [type] == "copy" { stdout { id => "a" } } else { pipeline { id => "b" send_to => "y" } } }`)
	f := func(name, text string, mocks ...Mock) {
		t.Helper()
		o := options(t)
		o.Configs, o.Mocks = []string{conf}, mocks
		results, err := runFile(t, o, write(t, dir, name, text))
		require.NoError(t, err)
		require.NotContains(t, report(results), "FAIL")
	}
	// Copies of one input come in the order of their outputs.
	f("copies.yml", `
input_plugin: in
ignore: ["@timestamp", event]
testcases:
- input: [x]
  expected: [{ message: x, type: copy }, { message: x }]
`)
	// Ends may be replaced by others; an input that is left empty is an empty text.
	f("ends.yml", `
input_plugin: in
ignore: ["@timestamp", event]
testcases:
- input: [x, ]
  expected: [{ message: x, type: copy }, { message: x }]
`, Mock{"in", "stdin { }"}, Mock{"b", "stdout { }"})
	f("stream.yml", `
input_plugin: lines
ignore: ["@timestamp", event, type]
testcases:
- input:
  - |
    a
     b
  -
  expected: [{ message: "a\n b", tags: [multiline] }, { message: "a\n b", tags: [multiline] }]
`)
	// Before version 2 each input is a whole line, an empty one too.
	f("lines.json", `{"fields": {"type": "copy"}, "ignore": ["@timestamp", "event"],
		"testcases": [{"input": [""], "expected": [{"message": "", "type": "copy"}, {"message": "", "type": "copy"}]}]}`)
}
