package edn

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

func TestCodec(t *testing.T) {
	c, err := New(Options{}, codectest.Env(plugin.ECSDisabled))
	require.NoError(t, err)
	require.Equal(t, `{"a":1,"b":["x"]}`, codectest.Joined(c, `{:a 1 "b" ["x"]}`))
	require.Equal(t, `{"message":"[1","tags":["_ednparsefailure"]}`, codectest.Joined(c, "[1"))
	require.Equal(t, `{"message":"[1]","tags":["_ednparsefailure"]}`, codectest.Joined(c, "[1]"))
	require.Equal(t, `{"a" 1, "@timestamp" "2024-05-17T08:30:15.123Z", "@version" "1"}`, codectest.Encode(t, c, `{"a":1}`))
	c, err = New(Options{Target: *event.MustPath("x")}, codectest.Env(plugin.ECSDisabled))
	require.NoError(t, err)
	require.Equal(t, `{"x":{"a":1}}`, codectest.Joined(c, `{:a 1}`))
}
