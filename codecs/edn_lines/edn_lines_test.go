package ednlines

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/plugin"
)

func TestCodec(t *testing.T) {
	c, err := New(Options{}, codectest.Env(plugin.ECSDisabled))
	require.NoError(t, err)
	require.Equal(t, []string{`{"a":1}`, `{"message":"oops","tags":["_ednparsefailure"]}`, `{"b":2}`}, codectest.Decode(c, "{:a 1}\n\noops\n{:b 2}"))
	require.Equal(t, "{\"a\" 1, \"@timestamp\" \"2024-05-17T08:30:15.123Z\", \"@version\" \"1\"}\n", codectest.Encode(t, c, `{"a":1}`))
}
