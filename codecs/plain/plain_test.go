package plain

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/internal/charset"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func codec(t testing.TB, o Options, mode plugin.ECS) *plugin.Codec {
	t.Helper()
	c, err := New(o, codectest.Env(mode))
	require.NoError(t, err)
	return c
}

func TestPlain(t *testing.T) {
	latin, err := charset.Find("ISO-8859-15")
	require.NoError(t, err)
	format := event.ParseTemplate("<%{message}>")
	require.Equal(t, `{"message":"a\nb\n"}`, codectest.Joined(codec(t, Options{}, plugin.ECSDisabled), "a\nb\n"))
	require.Equal(t, `{"message":"","event":{"original":""}}`, codectest.Joined(codec(t, Options{}, plugin.ECSv1), ""))
	require.Equal(t, `{"message":"€ 5"}`, codectest.Joined(codec(t, Options{Charset: latin}, plugin.ECSDisabled), "\xa4 5"))
	require.Equal(t, "<a><b>", codectest.Encode(t, codec(t, Options{Format: &format}, plugin.ECSDisabled), `{"message":"a"}`, `{"message":"b"}`))
	require.Equal(t, "line", codec(t, Options{}, plugin.ECSDisabled).Streaming)
}

func BenchmarkDecode(b *testing.B) {
	codectest.BenchmarkDecode(b, codec(b, Options{}, plugin.ECSDisabled), strings.Repeat("GET /index.html HTTP/1.1 ", 6))
}

func TestJava(t *testing.T) {
	c, err := NewJava(JavaOptions{}, codectest.Env(plugin.ECSv8))
	require.NoError(t, err)
	require.Equal(t, `{"message":"a\nb"}`, codectest.Joined(c, "a\nb"))
	require.Equal(t, "2024-05-17T08:30:15.123Z %{host} a", codectest.Encode(t, c, `{"message":"a"}`))
	require.Empty(t, c.Streaming)
}
