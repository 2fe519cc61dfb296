package dedot

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// What the plugin's own test suite asserts.
func TestSuite(t *testing.T) {
	f := run(t)
	require.Contains(t, filtertest.Diagnose(Plugin, `separator => "."`), "error")
	f(``, `{"foo.bar":"pass"}`, `{"foo_bar":"pass"} +`)
	f(`separator => "___"`, `{"foo.bar":"pass"}`, `{"foo___bar":"pass"} +`)
	f(``, `{"acme.roller.skates":"coyote","nodot":"nochange"}`, `{"nodot":"nochange","acme_roller_skates":"coyote"} +`)
	f(``, `{"acme_roller.skates":"coyote","no_dot":"nochange"}`, `{"no_dot":"nochange","acme_roller_skates":"coyote"} +`)
	f(`nested => true`, `{"acme.roller.skates":"coyote","nodot":"nochange"}`, `{"nodot":"nochange","acme":{"roller":{"skates":"coyote"}}} +`)
	f(`fields => ["[acme][roller.skates]"]`, `{"acme":{"roller.skates":"coyote"},"foo.bar":"nochange"}`, `{"acme":{"roller_skates":"coyote"},"foo.bar":"nochange"} +`)
	const three = `nested => true fields => ["[acme][roller.skates]","foo.bar","[a.b][c.d][e.f]"]`
	f(three, `{"acme":{"roller.skates":"coyote"},"foo.bar":"x","a.b":{"c.d":{"e.f":"finally"}}}`,
		`{"acme":{"roller":{"skates":"coyote"}},"foo":{"bar":"x"},"a":{"b":{"c":{"d":{"e":{"f":"finally"}}}}}} +`)
	f(three, `{"acme":{"roller.skates":"coyote"},"a.b":{"c.d":{"e.f":"finally"}}}`,
		`{"acme":{"roller":{"skates":"coyote"}},"a":{"b":{"c":{"d":{"e":{"f":"finally"}}}}}} +`)
	const two = ` fields => ["[acme][super.roller_skates]","[field_with][no_dot]"]`
	f(two, `{"acme":{"super.roller_skates":"coyote"},"field_with":{"no_dot":"x"}}`, `{"acme":{"super_roller_skates":"coyote"},"field_with":{"no_dot":"x"}} +`)
	f(`nested => true`+two, `{"acme":{"super.roller_skates":"coyote"},"field_with":{"no_dot":"x"}}`,
		`{"acme":{"super":{"roller_skates":"coyote"}},"field_with":{"no_dot":"x"}} +`)
	f(`recursive => true`, `{"acme":{"roller.skates":"coyote","nodot":"x"}}`, `{"acme":{"nodot":"x","roller_skates":"coyote"}} +`)
	f(`recursive => true nested => true`, `{"acme":{"roller.skates":"coyote","nodot":"x"}}`, `{"acme":{"nodot":"x","roller":{"skates":"coyote"}}} +`)
	f(`recursive => true nested => true`, `{"acme":{"super.duper":{"roller.skates":"coyote","nodot":"x"}}}`,
		`{"acme":{"super":{"duper":{"nodot":"x","roller":{"skates":"coyote"}}}}} +`)
	f(`recursive => true nested => true fields => ["acme"]`, `{"acme":{"roller.skates":"coyote"},"foo.bar":"x"}`, `{"acme":{"roller":{"skates":"coyote"}},"foo.bar":"x"} +`)
	f(`recursive => true nested => true fields => ["acme","foo.bar","a.b"]`, `{"acme":{"roller.skates":"coyote"},"foo.bar":"x","a.b":{"c.d":{"e.f":"finally"}}}`,
		`{"acme":{"roller":{"skates":"coyote"}},"foo":{"bar":"x"},"a":{"b":{"c":{"d":{"e":{"f":"finally"}}}}}} +`)
}
