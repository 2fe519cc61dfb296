package json

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

// What the plugin's own test suite asserts.
func TestSuite(t *testing.T) {
	f := func(options, message, want string) {
		t.Helper()
		doc := `{"message":` + string(event.AppendJSONString(nil, message))
		require.Equal(t, doc+want, filtertest.New(t, Plugin, `source => "message" `+options).Run(doc+`}`), options)
	}
	const object, parsed = `{ "hello": "world", "list": [ 1, 2, 3 ], "hash": { "k": "v" } }`, `"hello":"world","list":[1,2,3],"hash":{"k":"v"}`
	f(``, object, `,`+parsed+`} +`)
	f(`target => "data"`, object, `,"data":{`+parsed+`}} +`)
	f(`target => "data" tag_on_failure => ["_jsonparsefailure","_custom_failure_tag"]`, `invalid json`, `,"tags":["_jsonparsefailure","_custom_failure_tag"]}`)
	f(``, `{ "@timestamp": "2013-10-19T00:14:32.996Z" }`, `,"@timestamp":"2013-10-19T00:14:32.996Z"} +`)
	f(`target => "data"`, `[ { "k": "v" }, { "l": [1, 2, 3] } ]`, `,"data":[{"k":"v"},{"l":[1,2,3]}]} +`)
	f(``, `random_message`, `,"tags":["_jsonparsefailure"]}`)
	f(``, `[1, 2, 3]`, `,"tags":["_jsonparsefailure"]}`)
	f(``, `{"foo":"bar", "@timestamp":"2015-12-02T17:40:00.666Z"}`, `,"@timestamp":"2015-12-02T17:40:00.666Z","foo":"bar"} +`)
	f(`skip_on_invalid_json => true`, `this is not a json message`, `}`)
	f(`skip_on_invalid_json => false`, `this is not a json message`, `,"tags":["_jsonparsefailure"]}`)

	g := run(t)
	g(`source => "example" target => "example"`, `{"example":"{ \"hello\": \"world\" }"}`, `{"example":{"hello":"world"}} +`)
	g(`source => "message"`, `{"message":"random_message","tags":["_other"]}`, `{"message":"random_message","tags":["_other","_jsonparsefailure"]}`)
}
