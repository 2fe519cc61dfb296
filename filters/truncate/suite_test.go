package truncate

import (
	"strings"
	"testing"

	"millrace/filters/internal/filtertest"

	"github.com/stretchr/testify/require"
)

// What the plugin's own test suite asserts; its random texts are the fuzz target's.
func TestSuite(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
	doc := func(bar, three, baz int) string {
		return `{"foo":{"bar":"` + strings.Repeat("a", bar) + `"},"one":{"two":{"three":"` + strings.Repeat("b", three) + `"}},"baz":"` + strings.Repeat("c", baz) + `"}`
	}
	f(`length_bytes => 450`, doc(500, 600, 700), doc(450, 450, 450)+" +")
	f(`length_bytes => 450`, doc(350, 300, 450), doc(350, 300, 450))
	f(`length_bytes => 450`, doc(350, 600, 450), doc(350, 450, 450)+" +")
	f(`length_bytes => 5 fields => ["example"]`, `{"message":"grüße 日本","example":"grüße 日本"}`, `{"message":"grüße 日本","example":"grü"} +`)
	f(`length_bytes => 0 fields => ["example"]`, `{"example":-500}`, `{"example":-500}`)
	long, short, cut := strings.Repeat("a", 100), strings.Repeat("a", 20), strings.Repeat("a", 50)
	f(`length_bytes => 50 fields => ["example"]`, `{"example":["`+long+`","`+long+`"]}`, `{"example":["`+cut+`","`+cut+`"]} +`)
	f(`length_bytes => 50 fields => ["example"]`, `{"example":["`+short+`","`+long+`"]}`, `{"example":["`+short+`","`+cut+`"]} +`)
	f(`length_bytes => 50 fields => ["example"]`, `{"example":[]}`, `{"example":[]}`)
}
