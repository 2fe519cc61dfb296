package split

import "testing"

// What the plugin's own test suite asserts.
func TestSuite(t *testing.T) {
	f := run(t)
	f(``, `{"message":"big\nbird\nsesame street"}`, "{\"message\":\"big\"} +\n{\"message\":\"bird\"} +\n{\"message\":\"sesame street\"} +")
	f("terminator => \"\t\"", `{"message":"big\tbird\tsesame street"}`, "{\"message\":\"big\"} +\n{\"message\":\"bird\"} +\n{\"message\":\"sesame street\"} +")
	f(`field => "custom"`, `{"custom":"big\nbird","keep":"1\n2\n3"}`, "{\"custom\":\"big\",\"keep\":\"1\\n2\\n3\"} +\n{\"custom\":\"bird\",\"keep\":\"1\\n2\\n3\"} +")
	f(`field => "array"`, `{"array":["big","bird"],"keep":"1\n2"}`, "{\"array\":\"big\",\"keep\":\"1\\n2\"} +\n{\"array\":\"bird\",\"keep\":\"1\\n2\"} +")
	f(`field => "array"`, `{"array":["single-element"],"keep":"1\n2"}`, `{"array":"single-element","keep":"1\n2"} +`)
	f(`field => "array"`, `{"array":["big",null,"bird",null,"sesame street"]}`, "{\"array\":\"big\"} +\n{\"array\":\"bird\"} +\n{\"array\":\"sesame street\"} +")
	f(`field => "array" target => "element"`, `{"array":["big","bird"]}`,
		"{\"array\":[\"big\",\"bird\"],\"element\":\"big\"} +\n{\"array\":[\"big\",\"bird\"],\"element\":\"bird\"} +")
	f(`field => "array" target => "element"`, `{"array":[1,2]}`, "{\"array\":[1,2],\"element\":1} +\n{\"array\":[1,2],\"element\":2} +")
	f(`field => "array" target => "element"`, `{"array":[1,"two",""]}`, "{\"array\":[1,\"two\",\"\"],\"element\":1} +\n{\"array\":[1,\"two\",\"\"],\"element\":\"two\"} +")
	f(`field => "field"`, `{"field":10}`, `{"field":10,"tags":["_split_type_failure"]}`)
}
