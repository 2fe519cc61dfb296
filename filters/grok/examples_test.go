package grok

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

// line makes an event whose message is text.
func line(text string) string {
	return `{"message":` + string(event.AppendJSONString(nil, text)) + `}`
}

// fields runs the filter and returns the event that comes out, without its message.
func fields(t *testing.T, options, in string) map[string]any {
	t.Helper()
	out := strings.TrimSuffix(filtertest.New(t, Plugin, options).Run(in), " +")
	m := make(map[string]any)
	require.NoError(t, json.Unmarshal([]byte(out), &m), out)
	return m
}

// What the parts of a syslog line in the form of RFC 5424 are, with some of them missing, and some blanks too many.
func TestSyslog5424(t *testing.T) {
	f := func(text string, want map[string]any) {
		t.Helper()
		got := fields(t, `match => { "message" => "%{SYSLOG5424LINE}" }`, line(text))
		require.NotContains(t, got, "tags")
		for _, part := range []string{"pri", "ver", "ts", "host", "app", "proc", "msgid", "sd", "msg"} {
			if w, ok := want[part]; ok {
				require.Equal(t, w, got["syslog5424_"+part], "%s of %s", part, text)
			}
		}
	}
	const head = "<165>1 2024-05-17T08:30:15+02:00 web.example "
	full := map[string]any{"pri": "165", "ver": "1", "ts": "2024-05-17T08:30:15+02:00", "host": "web.example", "msgid": nil}
	with := func(parts map[string]any) map[string]any {
		m := make(map[string]any)
		for k, v := range full {
			m[k] = v
		}
		for k, v := range parts {
			m[k] = v
		}
		return m
	}
	f(head+`app 4123 - [a x="y"][b z="w"] Both data.`, with(map[string]any{"app": "app", "proc": "4123", "sd": `[a x="y"][b z="w"]`, "msg": "Both data."}))
	f(head+`app - - [a x="y"] No process.`, with(map[string]any{"app": "app", "proc": nil, "sd": `[a x="y"]`, "msg": "No process."}))
	f(head+`app 4123 - - No data.`, with(map[string]any{"app": "app", "proc": "4123", "sd": nil, "msg": "No data."}))
	f(head+`app - - - Neither.`, with(map[string]any{"app": "app", "proc": nil, "sd": nil, "msg": "Neither."}))
	f(head+`app 4123 -  Data left out.`, with(map[string]any{"proc": "4123", "sd": nil, "msg": "Data left out."}))
	f(head+`app  4123 - - Blanks.`, with(map[string]any{"app": "app", "proc": "4123", "sd": nil, "msg": "Blanks."}))
	f(head+`app  4123 -  Blanks, and data left out.`, with(map[string]any{"app": "app", "proc": "4123", "sd": nil, "msg": "Blanks, and data left out."}))
	f(head+`a-b 8048 - -  A dash.`, with(map[string]any{"app": "a-b", "proc": "8048", "sd": nil, "msg": "A dash."}))
	f(head+`- 8048 - -  No program.`, with(map[string]any{"app": nil, "proc": "8048", "msg": "No program."}))
}

// All the ways in which programs write how bad it is.
func TestLogLevels(t *testing.T) {
	for level := range strings.FieldsSeq(`trace Trace TRACE debug Debug DEBUG notice Notice NOTICE info Info INFO warn warning Warn Warning WARN WARNING
		err error Err Error ERR ERROR crit critical Crit Critical CRIT CRITICAL fatal Fatal FATAL severe Severe SEVERE
		emerg emergency Emerg Emergency EMERG EMERGENCY alert ALERT`) {
		require.Equal(t, level, fields(t, `match => { "message" => "%{LOGLEVEL:level}: error!" }`, line(level+": error!"))["level"])
	}
}

// TestExamples holds what the filter's own tests in Logstash ask for and no other test here does.
func TestExamples(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		got := fields(t, options, in)
		delete(got, "message")
		text, err := json.Marshal(got)
		require.NoError(t, err)
		require.JSONEq(t, want, string(text), options)
	}
	f(`match => { "message" => "%{SYSLOGLINE}" } overwrite => ["message"]`, line("Mar 16 00:01:25 mx postfix/smtpd[1713]: connect from a.example[192.0.2.3]"),
		`{"timestamp":"Mar 16 00:01:25","logsource":"mx","program":"postfix/smtpd","pid":"1713"}`)
	f(`match => { "message" => "%{NUMBER:foo:int} %{NUMBER:bar:float}" }`, line("400 454.33"), `{"foo":400,"bar":454.33}`)
	f(`match => { "message" => "%{FIZZLE=\d+}" } named_captures_only => false`, line("hello 1234"), `{"FIZZLE":"1234"}`)
	f(`match => { "message" => "%{WORD:word}" "other" => "%{NUMBER:num}" } break_on_match => false`, `{"message":"hello world","other":"12345"}`, `{"word":"hello","other":"12345","num":"12345"}`)
	f(`match => { "message" => "1=%{WORD:a} *(2=%{WORD:b})?" }`, line("1=test"), `{"a":"test"}`)
	f(`match => { "message" => "1=%{WORD:a} *(2=%{WORD:b})?" } keep_empty_captures => true`, line("1=test"), `{"a":"test","b":null}`)
	f(`match => { "message" => "Hello %{WORD}. %{WORD:foo}" } named_captures_only => false`, line("Hello World, yo!"), `{"WORD":"World","foo":"yo"}`)
	f(`match => { "message" => "(?<timestamp>%{DATE_EU} %{TIME})" }`, line("fancy 12-12-12 12:12:12"), `{"timestamp":"12-12-12 12:12:12"}`)
	f(`match => { "status" => "^403$" }`, `{"status":403}`, `{"status":403}`)
	f(`match => { "version" => "^1.0$" }`, `{"version":1.0}`, `{"version":1.0}`)
	f(`match => { "message" => "%{WORD:foo-bar}" }`, line("hello world"), `{"foo-bar":"hello"}`)
	f(`match => { "message" => "%{INT:foo}|%{WORD:foo}" }`, line("hello world"), `{"foo":"hello"}`)
	f(`match => { "message" => "%{INT:foo}|%{WORD:foo}" }`, line("123 world"), `{"foo":"123"}`)
	f(`match => { "message" => "%{INT:foo}" "examplefield" => "%{INT:bar}" }`, `{"message":"hello 123","examplefield":"abc 999"}`, `{"examplefield":"abc 999","foo":"123"}`)
	f(`match => { "message" => "<%{POSINT:pri}>%{SPACE}%{SYSLOGTIMESTAMP:at} %{SYSLOGHOST:host} %{PROG:program}(:?)(?:\[%{GREEDYDATA:pid}\])?(:?) %{GREEDYDATA:text}" }`,
		line("<22>Jan  4 07:50:46 mx postfix/policy-spf[9454]: : SPF permerror (junk in 'v=spf1 ip4:192.0.2.4 \ufffdall'): from: a@b.example"),
		`{"pri":"22","at":"Jan  4 07:50:46","host":"mx","program":"postfix/policy-spf","pid":"9454","text":": SPF permerror (junk in 'v=spf1 ip4:192.0.2.4 \ufffdall'): from: a@b.example"}`)
	const took = `match => { "message" => "test (N/A|%{BASE10NUM:took:float}ms)" } `
	f(took, line("test 28.4ms"), `{"took":28.4}`)
	f(took, line("test N/A"), `{}`)
	f(took, line("test abc"), `{"tags":["_grokparsefailure"]}`)
	f(took+`keep_empty_captures => true`, line("test N/A"), `{"took":null}`)
	f(`match => { "message" => "test (N/A|%{BASE10NUM:took}ms)" }`, line("test 28.4ms"), `{"took":"28.4"}`)
	const definitions = `"AT" => "%{DAY} %{MONTH} %{MONTHDAY} %{TIME} %{YEAR}"`
	f(`match => { "message" => "%{AT:at} %{LOGLEVEL:level} %{MINE:y}" } pattern_definitions => { `+definitions+` "MINE" => "%{YEAR}" }`, line("Mon Dec 26 16:22:08 2016 error 2020"),
		`{"at":"Mon Dec 26 16:22:08 2016","level":"error","y":"2020"}`)
	f(`match => { "message" => "%{AT:at} %{LOGLEVEL:level}" } pattern_definitions => { `+definitions+` "LOGLEVEL" => "%{NUMBER}" }`, line("Mon Dec 26 16:22:08 2016 9999"),
		`{"at":"Mon Dec 26 16:22:08 2016","level":"9999"}`)
	const beard = `match => { "message" => ["%{GREEDYDATA:one}beard", "tree%{GREEDYDATA:two}"] } break_on_match => false tag_on_failure => []`
	f(beard, line("treebranch"), `{"two":"branch"}`)
	f(beard, line("bushbeard"), `{"one":"bush"}`)
	f(beard, line("treebeard"), `{"one":"tree","two":"beard"}`)
}

func TestPatternFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	write("mine.pattern", `WORD \b[0-1]\b`)
	write("mine.pattern.old", `WORD \b[2-5]\b`)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "sub"), 0o700))
	options := `match => { "message" => "%{WORD:w}" } patterns_dir => "` + dir + `" patterns_files_glob => "*.pattern"`
	require.Equal(t, "0", fields(t, options, line("0"))["w"])
	require.NotContains(t, fields(t, options, line("2")), "w")
	require.NoError(t, os.Remove(filepath.Join(dir, "mine.pattern.old")))
	require.Equal(t, "0", fields(t, `match => { "message" => "%{WORD:w}" } patterns_dir => "`+dir+`" patterns_files_glob => "*"`, line("0"))["w"], "a folder inside does no harm")
}

// Expressions that keep Ruby's engine busy beyond all time limits are decided at once here, so there is no tag for a timeout.
func TestNoTimeoutWhereNoneIsNeeded(t *testing.T) {
	require.NotContains(t, fields(t, `match => { "message" => "(.*a){30}" } timeout_millis => 100`, line(strings.Repeat("a", 67))), "tags")
	require.NotContains(t, fields(t, `match => { "message" => ["(.*f){20}","(.*e){20}","(.*b){20}","(.*a){25}","(.*a){24}","(.*a){20}"] } timeout_millis => 500 timeout_scope => "event"`,
		line("bbbbbbbbbbccccccccccddddddddddeeeeeeeeee "+strings.Repeat("a", 20))), "tags")
}
