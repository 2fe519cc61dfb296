package prune

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func run(t *testing.T) func(options, in, want string) {
	return func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, options).Run(in), options)
	}
}

const borat = `{"firstname":"Borat","lastname":"Sagdiyev","fullname":"Borat Sagdiyev","hobby":"Cloud","status":"200","Borat_saying":"Cloud is not Active","%{hmm}":"doh"}`

func TestNames(t *testing.T) {
	f := run(t)
	f(``, borat, `{"firstname":"Borat","lastname":"Sagdiyev","fullname":"Borat Sagdiyev","hobby":"Cloud","status":"200","Borat_saying":"Cloud is not Active"} +`)
	f(`whitelist_names => ["firstname","(hobby|status)","%{firstname}_saying"]`, borat, `{"firstname":"Borat","hobby":"Cloud","status":"200"} +`)
	f(`interpolate => true whitelist_names => ["firstname","(hobby|status)","%{firstname}_saying"]`, borat,
		`{"firstname":"Borat","hobby":"Cloud","status":"200","Borat_saying":"Cloud is not Active"} +`)
	f(`blacklist_names => ["firstname","(hobby|status)","%{firstname}_saying"]`, borat,
		`{"lastname":"Sagdiyev","fullname":"Borat Sagdiyev","Borat_saying":"Cloud is not Active","%{hmm}":"doh"} +`)
	f(`interpolate => true blacklist_names => ["firstname","(hobby|status)","%{firstname}_saying"]`, borat,
		`{"lastname":"Sagdiyev","fullname":"Borat Sagdiyev","%{hmm}":"doh"} +`)
	f(`whitelist_names => ["^a"] blacklist_names => ["b"]`, `{"a":1,"ab":2,"c":3,"a[0]":4}`, `{"a":1,"a[0]":4} +`)
	f(`blacklist_names => ["^x\["]`, `{"x[0]":4,"x":1}`, `{"x":1} +`)
	f(`blacklist_names => []`, `{"%{a}":4}`, `{"%{a}":4} +`)
}

func TestValues(t *testing.T) {
	f := run(t)
	const lists = `{"blah":"foo","xxx":["1 2 3","3 4 5"],"status":["100","200","300","400","500"],"error":["This is foolish","Need smthing smart too"]}`
	f(`whitelist_values => ["firstname","^Borat$","fullname","%{firstname} Sagdiyev","status","^2"]`, `{"firstname":"Borat","fullname":"Borat Sagdiyev","status":"200","x":1}`,
		`{"firstname":"Borat","status":"200","x":1} +`)
	f(`interpolate => true whitelist_values => ["fullname","%{firstname} Sagdiyev","%{firstname}_saying","no"]`, `{"firstname":"Borat","fullname":"Borat Sagdiyev","Borat_saying":"yes"}`,
		`{"firstname":"Borat","fullname":"Borat Sagdiyev"} +`)
	f(`blacklist_values => ["firstname","^Borat$","status","^2"]`, `{"firstname":"Borat","status":"404"}`, `{"status":"404"} +`)
	f(`whitelist_values => ["status","^(1|2|3)","xxx","3","error","%{blah}"]`, lists, `{"blah":"foo","xxx":["1 2 3","3 4 5"],"status":["100","200","300"]} +`)
	f(`blacklist_values => ["status","^(1|2|3)","xxx","3","error","%{blah}"]`, lists,
		`{"blah":"foo","status":["400","500"],"error":["This is foolish","Need smthing smart too"]} +`)
	f(`interpolate => true whitelist_values => ["status","^(1|2|3)","xxx","3","error","%{blah}"]`, lists,
		`{"blah":"foo","xxx":["1 2 3","3 4 5"],"status":["100","200","300"],"error":["This is foolish"]} +`)
	f(`interpolate => true blacklist_values => ["error","%{blah}"]`, `{"blah":"foo","error":["foolish","smart"]}`, `{"blah":"foo","error":["smart"]} +`)
	f(`whitelist_values => { "v" => "a" } blacklist_values => { "v" => "b" }`, `{"v":["a","ab","c"]}`, `{"v":["a"]} +`)
	f(`whitelist_values => { "v" => "a" }`, `{"v":false}`, `{"v":false} +`)
}

// Logstash stops at these; we keep the data and tag.
func TestFailures(t *testing.T) {
	f := run(t)
	f(`whitelist_values => { "n" => "^4" }`, `{"n":404}`, `{"n":404,"tags":["_filter_error"]}`)
	f(`whitelist_values => { "n" => "^4" }`, `{"n":["4",404,"5",null]}`, `{"n":["4",404,null],"tags":["_filter_error"]}`)
	f(`interpolate => true blacklist_names => ["%{re}"]`, `{"re":"(","a":1}`, `{"re":"(","a":1,"tags":["_filter_error"]}`)
}

func TestInterpolationFollowsTheEvent(t *testing.T) {
	r := filtertest.New(t, Plugin, `interpolate => true blacklist_names => ["^%{gone}$"]`)
	require.Equal(t, `{"gone":"a","b":2} +`, r.Run(`{"gone":"a","a":1,"b":2}`))
	require.Equal(t, `{"gone":"b","a":1} +`, r.Run(`{"gone":"b","a":1,"b":2}`))
	require.Equal(t, `{"gone":"b","a":1} +`, r.Run(`{"gone":"b","a":1,"b":2}`))
}

func TestDiagnostics(t *testing.T) {
	for _, option := range []string{`blacklist_names => ["("]`, `whitelist_names => ["("]`, `whitelist_values => { "a" => "(" }`, `blacklist_values => { "a" => "(" }`} {
		require.Contains(t, filtertest.Diagnose(Plugin, option), "error", option)
	}
}

func BenchmarkFilter(b *testing.B) {
	const doc = `{"message":"m","tmp_a":1,"host":"h","status":"404","http_code":200}`
	b.Run("names", func(b *testing.B) { filtertest.Bench(b, Plugin, `blacklist_names => ["^tmp_", "password"]`, doc) })
	b.Run("values", func(b *testing.B) { filtertest.Bench(b, Plugin, `whitelist_values => { "status" => "^[45]" }`, doc) })
	b.Run("interpolate", func(b *testing.B) {
		filtertest.Bench(b, Plugin, `interpolate => true blacklist_names => ["^%{host}"]`, doc)
	})
}
