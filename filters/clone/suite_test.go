package clone

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// What the plugin's own test suite asserts, without ECS and with it.
func TestSuite(t *testing.T) {
	f := func(options, in, legacy, ecs string) {
		t.Helper()
		for _, mode := range []struct{ name, want string }{{"disabled", legacy}, {"v1", ecs}, {"v8", ecs}} {
			require.Equal(t, mode.want, filtertest.New(t, Plugin, options+` ecs_compatibility => `+mode.name).Run(in), mode.name)
		}
	}
	const original = `{"message":"hello","type":"original"}`
	f(`clones => ["clone","clone","clone"]`, original,
		original+"\n{\"message\":\"hello\",\"type\":\"clone\"} +\n{\"message\":\"hello\",\"type\":\"clone\"} +\n{\"message\":\"hello\",\"type\":\"clone\"} +",
		original+"\n{\"message\":\"hello\",\"type\":\"original\",\"tags\":[\"clone\"]} +\n{\"message\":\"hello\",\"type\":\"original\",\"tags\":[\"clone\"]} +\n{\"message\":\"hello\",\"type\":\"original\",\"tags\":[\"clone\"]} +")
	const tagged = `{"type":"access","tags":["TESTLOG"]}`
	f(`clones => ["c1","c2"]`, tagged,
		tagged+"\n{\"type\":\"c1\",\"tags\":[\"TESTLOG\"]} +\n{\"type\":\"c2\",\"tags\":[\"TESTLOG\"]} +",
		tagged+"\n{\"type\":\"access\",\"tags\":[\"TESTLOG\",\"c1\"]} +\n{\"type\":\"access\",\"tags\":[\"TESTLOG\",\"c2\"]} +")
	f(`clones => ["c1"]`, `{"type":"bug","number":5}`,
		"{\"type\":\"bug\",\"number\":5}\n{\"type\":\"c1\",\"number\":5} +",
		"{\"type\":\"bug\",\"number\":5}\n{\"type\":\"bug\",\"number\":5,\"tags\":[\"c1\"]} +")
}
