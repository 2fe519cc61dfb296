package grok_test

import (
	"testing"

	"millrace/filters"
	"millrace/pipeline/plugintest"
)

// The cases of grok use mutate and others besides it, so they run with all filters.
func TestCases(t *testing.T) {
	for _, group := range []string{"grok", "grok-lib-ecs", "grok-lib-legacy"} {
		plugintest.Group(t, "../../conformance/"+group, "", filters.All())
	}
}
