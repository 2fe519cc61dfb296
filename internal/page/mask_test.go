package page

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/config"
)

func TestMask(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		file, diags := config.Parse("a.conf", []byte(text), config.ParseOptions{})
		require.False(t, diags.HasErrors(), diags.String())
		m := masker{reg: registry()}
		require.Equal(t, want, m.text(file, m.covers(file), 0, len(file.Text)))
	}
	f(`output { elasticsearch { user => "u" password => "p" } }`, `output { elasticsearch { user => "u" password => "<hidden>" } }`)
	f(`output { elasticsearch { api_key => "${KEY:the-default}" } }`, `output { elasticsearch { api_key => "<hidden>" } }`)
	f(`output { elasticsearch { hosts => ["https://u:p%40@es:9200", "es2"] } }`, `output { elasticsearch { hosts => ["https://<hidden>@es:9200", "es2"] } }`)
	f(`output { http { url => "http://x" headers => { "Authorization" => "Basic abc" "X-Api-Key" => k1 "Accept" => "text/plain" } } }`,
		`output { http { url => "http://x" headers => { "Authorization" => "<hidden>" "X-Api-Key" => "<hidden>" "Accept" => "text/plain" } } }`)
	f(`output { http { url => "http://x" headers => ["Authorization", "Basic abc", "Accept", "b"] } }`,
		`output { http { url => "http://x" headers => ["Authorization", "<hidden>", "Accept", "b"] } }`)
	f(`output { what_is_this { my_secret => 'x' port => 1 } }`, `output { what_is_this { my_secret => "<hidden>" port => 1 } }`)
	f("# password => \"old\"\n# token => x y\ninput { stdin { } }", "# password => \"<hidden>\"\n# token => \"<hidden>\" y\ninput { stdin { } }")
	f(`input { kafka { sasl_jaas_config => "org.x.Plain required username='a' password='b';" } }`, `input { kafka { sasl_jaas_config => "<hidden>" } }`)
	f(`input { azure_event_hubs { config_mode => advanced event_hubs => [{ "a" => { event_hub_connection => "Endpoint=sb://n;SharedAccessKey=k" consumer_group => "g" } }] } }`,
		`input { azure_event_hubs { config_mode => advanced event_hubs => [{ "a" => { event_hub_connection => "<hidden>" consumer_group => "g" } }] } }`)
	f(`filter { ruby { code => "x = 1; api_key = 'abcdef'; y = 2" } }`, `filter { ruby { code => "x = 1; api_key = <hidden>'; y = 2" } }`)
	f(`filter { mutate { add_field => { "access_token" => "t" "[a][b]" => "c" } } }`, `filter { mutate { add_field => { "access_token" => "<hidden>" "[a][b]" => "c" } } }`)
	f(`filter { grok { match => { "message" => "user=%{WORD:user} %{DATA:rest}" } } }`, `filter { grok { match => { "message" => "user=%{WORD:user} %{DATA:rest}" } } }`)
	f("output { elasticsearch { password => \"a\nb\" id => \"x\" } }", `output { elasticsearch { password => "<hidden>" id => "x" } }`)
}

func TestNoSecretLeavesThePages(t *testing.T) {
	d := newDemo(t, demoEvents(1, demoTime()), nil)
	for _, path := range everyPage() {
		body := fetch(t, d.URL+path)
		for _, s := range secrets() {
			require.NotContains(t, body, s, path)
		}
	}
	require.Contains(t, fetch(t, d.URL+"/ui/config"), "https://&lt;hidden&gt;@es-1:9200")
}

// A secret of several lines is shown as one, and the lines behind it keep their numbers and messages.
func TestLineNumbersBehindASecret(t *testing.T) {
	file := parsed(t, "output {\n  elasticsearch {\n    password => \"a\nb\nc\"\n    hosts => [\"x\"]\n  }\n}\n")
	m := masker{reg: registry()}
	covers := m.covers(file)
	lines := numbered(file, covers, m.text(file, covers, 0, len(file.Text)), map[int][]message{4: {{Text: "inside"}}, 6: {{Text: "hosts"}}})
	var got []string
	for _, l := range lines {
		s := strings.TrimSpace(l.Text)
		for _, msg := range l.Messages {
			s += " !" + msg.Text
		}
		got = append(got, count(l.Number)+" "+s)
	}
	require.Equal(t, []string{"1 output {", "2 elasticsearch {", `3 password => "<hidden>" !inside`, `6 hosts => ["x"] !hosts`, "7 }", "8 }"}, got)
}

func TestMessagesAboutSecrets(t *testing.T) {
	file := parsed(t, `output { elasticsearch { password => "p4ss" index => "A" } }`)
	m := masker{reg: registry()}
	covers := m.covers(file)
	at := func(part string) config.Diagnostic {
		i := strings.Index(file.Text, part)
		return config.Errorf(config.Place{File: file, Span: config.Span{Start: i, End: i + len(part)}}, "x", "the value %q is wrong", part)
	}
	require.Equal(t, `the value "<hidden>" is wrong`, m.diagnostic(at("p4ss"), covers).Text)
	require.Equal(t, `the value "A" is wrong`, m.diagnostic(at("A"), covers).Text)
}
