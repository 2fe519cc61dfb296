package urldecode

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

// What the plugin's own test suite asserts.
func TestSuite(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want+" +", filtertest.New(t, Plugin, options).Run(in), options)
	}
	const escaped, plain = `"http%3A%2F%2Fexample.net%2Fdocs%2F1.3.2%2Ffilters"`, `"http://example.net/docs/1.3.2/filters"`
	f(``, `{"message":`+escaped+`}`, `{"message":`+plain+`}`)
	f(``, `{"message":`+plain+`}`, `{"message":`+plain+`}`)
	f(`all_fields => true`, `{"message":`+escaped+`,"nonencoded":`+plain+`}`, `{"message":`+plain+`,"nonencoded":`+plain+`}`)
	f(``, `{"message":"/a/sa/search?rgu=0;+%C3%BB%D3%D0%D5%D2%B5%BD=;+%B7%A2%CB%CD="}`, `{"message":"/a/sa/search?rgu=0;+û\\xD3\\xD0\\xD5ҵ\\xBD=;+\\xB7\\xA2\\xCB\\xCD="}`)
	f(`field => "url"`, `{"url":"/fr/search?q=Commission%20europ%C3%A9enne%201998&x=commission%20européenne%201998"}`,
		`{"url":"/fr/search?q=Commission européenne 1998&x=commission européenne 1998"}`)
	f(`field => "url"`, `{"url":"http%3A%2F%2Fl%C3%B8gs.net%2Fd%C3%B8cs%2Furldecøde?name=frødø%20båggins"}`, `{"url":"http://løgs.net/døcs/urldecøde?name=frødø båggins"}`)
	f(``, `{"message":{"url":`+escaped+`}}`, `{"message":{"url":`+plain+`}}`)
	f(``, `{"message":[`+escaped+`]}`, `{"message":[`+plain+`]}`)
}
