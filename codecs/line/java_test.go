package line

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/internal/charset"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func TestJava(t *testing.T) {
	f := func(o JavaOptions, in, lines string, want ...string) {
		t.Helper()
		c, err := NewJava(o, codectest.Env(plugin.ECSv8))
		require.NoError(t, err)
		require.Equal(t, want, codectest.Decode(c, in))
		require.Equal(t, lines, codectest.Encode(t, c, `{"message":"a"}`, `{"message":"b"}`))
	}
	latin, err := charset.Find("ISO-8859-15")
	require.NoError(t, err)
	format := event.ParseTemplate("<%{message}>")
	const stamps = `,"@timestamp":"2024-05-17T08:30:15.123Z","@version":"1"}`
	f(*JavaPlugin.Options().(*JavaOptions), "x\ny", `{"message":"a"`+stamps+"\n"+`{"message":"b"`+stamps+"\n", `{"message":"x"}`, `{"message":"y"}`)
	f(JavaOptions{Format: &format, Delimiter: "|", Charset: latin}, "\xa4|b", "<a>|<b>|", `{"message":"€"}`, `{"message":"b"}`)
}
