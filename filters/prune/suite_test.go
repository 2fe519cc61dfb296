package prune

import "testing"

// What the plugin's own test suite asserts.
func TestSuite(t *testing.T) {
	f := run(t)
	const doc = `{"firstname":"Borat","lastname":"Sagdiyev","fullname":"Borat Sagdiyev","location":"Somewhere","hobby":"Cloud","status":"200","Borat_saying":"Cloud is not Active"}`
	f(``, doc, doc+" +")
	f(``, `{"a":1,"%{hmm}":"doh"}`, `{"a":1} +`)
	const names = ` => ["firstname","(hobby|status)","%{firstname}_saying"] `
	f(`whitelist_names`+names, doc, `{"firstname":"Borat","hobby":"Cloud","status":"200"} +`)
	f(`whitelist_names => ["firstname","%{firstname}_saying"] interpolate => true`, doc, `{"firstname":"Borat","Borat_saying":"Cloud is not Active"} +`)
	f(`blacklist_names`+names, doc, `{"lastname":"Sagdiyev","fullname":"Borat Sagdiyev","location":"Somewhere","Borat_saying":"Cloud is not Active"} +`)
	f(`blacklist_names`+names, `{"x":1,"%{hmm}":"doh"}`, `{"x":1,"%{hmm}":"doh"} +`)
	f(`interpolate => true blacklist_names`+names, doc, `{"lastname":"Sagdiyev","fullname":"Borat Sagdiyev","location":"Somewhere"} +`)

	const values = ` => { "firstname" => "^Borat$" "fullname" => "%{firstname} Sagdiyev" "location" => "no no no" "status" => "^2" "%{firstname}_saying" => "%{hobby}.*Active" } `
	f(`whitelist_values`+values, doc, `{"firstname":"Borat","lastname":"Sagdiyev","hobby":"Cloud","status":"200","Borat_saying":"Cloud is not Active"} +`)
	f(`interpolate => true whitelist_values`+values, doc,
		`{"firstname":"Borat","lastname":"Sagdiyev","fullname":"Borat Sagdiyev","hobby":"Cloud","status":"200","Borat_saying":"Cloud is not Active"} +`)
	f(`blacklist_values`+values, doc, `{"lastname":"Sagdiyev","fullname":"Borat Sagdiyev","location":"Somewhere","hobby":"Cloud","Borat_saying":"Cloud is not Active"} +`)
	f(`interpolate => true blacklist_values`+values, doc, `{"lastname":"Sagdiyev","location":"Somewhere","hobby":"Cloud"} +`)

	const lists = `{"blah":"foo","xxx":["1 2 3","3 4 5"],"status":["100","200","300","400","500"],"error":["This is foolish","Need more"]}`
	const items = ` => { "status" => "^(1|2|3)" "xxx" => "3" "error" => "%{blah}" } `
	f(`whitelist_values`+items, lists, `{"blah":"foo","xxx":["1 2 3","3 4 5"],"status":["100","200","300"]} +`)
	f(`interpolate => true whitelist_values`+items, lists, `{"blah":"foo","xxx":["1 2 3","3 4 5"],"status":["100","200","300"],"error":["This is foolish"]} +`)
	f(`blacklist_values`+items, lists, `{"blah":"foo","status":["400","500"],"error":["This is foolish","Need more"]} +`)
	f(`interpolate => true blacklist_values`+items, lists, `{"blah":"foo","status":["400","500"],"error":["Need more"]} +`)
}
