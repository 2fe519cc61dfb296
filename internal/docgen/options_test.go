package main

import (
	_ "embed"
	"strings"
	"testing"

	"millrace/pipeline/plugin"
)

//go:embed testdata/logstash-options.txt
var logstashOptions string

// Every option of Logstash's is one of ours, if only to be refused with its reason, where the program has the plugin.
func TestEveryOptionOfLogstash(t *testing.T) {
	reg := registry()
	found := 0
	for line := range strings.Lines(logstashOptions) {
		name, options, _ := strings.Cut(strings.TrimSpace(line), " ")
		kind, name, ok := strings.Cut(name, "/")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		d := reg.Lookup(plugin.Kind(kind), name)
		if d == nil {
			continue
		}
		found++
		known := make(map[string]bool)
		own, common := d.Describe(nil)
		for _, o := range append(own, common...) {
			known[o.Name] = true
			for _, alias := range o.Aliases {
				known[alias] = true
			}
		}
		for option := range strings.FieldsSeq(options) {
			if !known[option] {
				t.Errorf("the %s %s has no option %s", kind, name, option)
			}
		}
	}
	if found < 70 {
		t.Errorf("only %d of the plugins are there", found)
	}
}
