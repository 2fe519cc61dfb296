package cloudtrail

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/pipeline/plugin"
)

func TestDecode(t *testing.T) {
	c, err := New(Options{}, codectest.Env(plugin.ECSDisabled))
	require.NoError(t, err)
	f := func(in string, want ...string) {
		t.Helper()
		require.Equal(t, want, codectest.Decode(c, in))
	}
	f("{}")
	f("\n")
	f(`{"Records":[]}`)
	f(`{"Records":[{"eventTime":"2024-05-17T08:30:15Z","eventName":"x"},{"requestParameters":null}]}`,
		`{"eventName":"x","@timestamp":"2024-05-17T08:30:15.000Z"}`, `{"requestParameters":null}`)
	f(`{"Records":[{"requestParameters":{"disableApiTermination":true,"a":1}},{"requestParameters":{"disableApiTermination":{"value":false}}}]}`,
		`{"requestParameters":{"disableApiTermination":{"value":true},"a":1}}`, `{"requestParameters":{"disableApiTermination":{"value":false}}}`)
	for _, address := range []string{"127.0.0.1", "100.100.100.100", "2001:0db8:85a3:0000:0000:8a2e:0370:7334", "::"} {
		f(`{"Records":[{"sourceIpAddress":"`+address+`"}]}`, `{"sourceIpAddress":"`+address+`"}`)
	}
	f(`{"Records":[{"sourceIpAddress":"support.amazonaws.com"},{"sourceIpAddress":null}]}`, `{"sourceHost":"support.amazonaws.com"}`, `{"sourceIpAddress":null}`)
	f(`{"Records":[5,{"a":1}]}`, `{"message":"{\"Records\":[5,{\"a\":1}]}","tags":["_jsonparsefailure"]}`, `{"a":1}`)
	f("oops", `{"message":"oops","tags":["_jsonparsefailure"]}`)
	f("[]", `{"message":"[]","tags":["_jsonparsefailure"]}`)
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"Records":[{"eventTime":"x","requestParameters":{"disableApiTermination":1},"sourceIpAddress":"y"}]}`)
	c, err := New(Options{}, codectest.Env(plugin.ECSDisabled))
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, in string) { codectest.Decode(c, in) })
}
