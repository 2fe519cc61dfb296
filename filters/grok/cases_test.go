package grok

import (
	"testing"

	"millrace/pipeline/plugin"
	"millrace/pipeline/plugintest"
)

func TestCases(t *testing.T) {
	list := []*plugin.Definition{Plugin}
	for _, group := range []string{"grok", "grok-lib-ecs", "grok-lib-legacy"} {
		plugintest.Group(t, "../../conformance/"+group, "", list)
	}
	plugintest.Group(t, "../../conformance/syntax", "", list)
}
