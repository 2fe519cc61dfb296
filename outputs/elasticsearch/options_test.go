package elasticsearch

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
	"github.com/stretchr/testify/require"

	"millrace/internal/testenv"
	"millrace/pipeline/plugin"
)

func TestHosts(t *testing.T) {
	f := func(conf string, want ...string) {
		t.Helper()
		r := open(t, conf)
		var got []string
		for _, u := range r.client.pool.URLs() {
			got = append(got, u.String())
		}
		require.Equal(t, want, got, conf)
	}
	f(``, "http://127.0.0.1:9200")
	f(`hosts => ["elasticsearch"]`, "http://elasticsearch:9200")
	f(`hosts => "elasticsearch"`, "http://elasticsearch:9200")
	f(`hosts => ["a", "b:9201", "http://c", "https://d:443/es/"]`, "http://a:9200", "http://b:9201", "http://c:9200", "https://d:443/es")
	f(`hosts => "a b:9201"`, "http://a:9200", "http://b:9201")
	f(`hosts => ["[::1]", "[::1]:9201", "http://[fe80::1]:9200"]`, "http://[::1]:9200", "http://[::1]:9201", "http://[fe80::1]:9200")
	f(`hosts => ["a"] ssl_enabled => true`, "https://a:9200")
	f(`hosts => ["a"] ssl => true`, "https://a:9200")
	f(`hosts => ["a"] path => "/es"`, "http://a:9200/es")
	f(`hosts => ["http://u:p%40s@a", "http://u:p%40s@b"]`, "http://a:9200", "http://b:9200") // the credentials are a header
	f(`hosts => ["http://u:p@a", "http://b"]`, "http://u:p@a:9200", "http://b:9200")
	f(`host => "a" port => 9201`, "http://a:9201")
	f(`host => ["a","b:1"] port => "9201" protocol => "https"`, "https://a:9201", "https://b:1")
	f(`host => "a" protocol => "transport" port => "9300-9400" cluster => "c"`, "http://a:9300")
	f(`cloud_id => "label:`+base64.StdEncoding.EncodeToString([]byte("eu.example.org$abc$def"))+`" cloud_auth => "u:p"`, "https://abc.eu.example.org:443")
	f(`cloud_id => "`+base64.StdEncoding.EncodeToString([]byte("eu.example.org:9243$abc:9244$def"))+`"`, "https://abc.eu.example.org:9244")
}

// TestRefusedOptions: each mistake is reported at its option.
func TestRefusedOptions(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		r, diags := build(t, conf, nil)
		require.Nil(t, r, conf)
		require.Contains(t, diags.String(), want, conf)
	}
	f(`hosts => ["ftp://a"]`, "the scheme ftp is not known")
	f(`hosts => ["http://a"] ssl_enabled => true`, "was written for a")
	f(`hosts => ["http://a/x"] path => "/y"`, "the option path says /y")
	f(`cloud_id => "a:b" hosts => "c"`, "exclude each other")
	f(`cloud_id => "label:!!"`, "no cloud id")
	f(`user => "a" password => "b" api_key => "c:d" ssl_enabled => true`, "only one of")
	f(`api_key => "c:d"`, "needs TLS")
	f(`password => "b"`, "password needs user")
	f(`cloud_auth => "b"`, "expected user:password")
	f(`action => "destroy"`, `no action "destroy"`)
	f(`data_stream => true index => "a"`, "data_stream => true excludes index")
	f(`data_stream => false data_stream_type => "logs"`, "excludes the data_stream_* options")
	f(`index => "a" data_stream_dataset => "b"`, "no data stream is written to")
	f(`data_stream_dataset => "a b"`, "may not hold any of")
	f(`compression_level => 10`, "must be 0 to 9")
	f(`compression_level => 1 http_compression => true`, "exclude each other")
	f(`index => "a" upsert => "{"`, "it is not a JSON document")
	f(`index => "a" doc_as_upsert => true scripted_upsert => true`, "exclude each other")
	f(`index => "a" script_type => "x"`, `no script type "x"`)
	f(`index => "a" action => "update"`, "update needs document_id")
	f(`index => "a" action => "update" document_id => "1" version => "1" version_type => "external"`, "update knows no external versions")
	f(`index => "a" action => "create" version => "1" version_type => "external_gt"`, "create knows no external versions")
	f(`index => "a" version_type => "external_gte"`, "external versions need the option version")
	f(`index => "a" action => "update" idempotent => true`, "an id of their own content")
	f(`ssl_certificate_authorities => "/nowhere.pem"`, "nowhere.pem")
	f(`ssl => true ssl_enabled => true`, "are the same; give one of them")
	f(`timeout => 0`, "must be greater than 0")
	f(`index => "a" template => "`+templateFile(t, "{")+`"`, "reading the index template")
	f(`hosst => "a"`, "hosts")
}

// TestOldOptions: what old configs hold is accepted, with a warning at its place where it has no effect or another name.
func TestOldOptions(t *testing.T) {
	f := func(conf string, warnings ...string) *rig {
		t.Helper()
		r := open(t, conf)
		require.False(t, r.diags.HasErrors())
		text := r.diags.String()
		for _, w := range warnings {
			require.Contains(t, text, w)
		}
		if len(warnings) == 0 {
			require.Empty(t, r.diags)
		}
		return r
	}
	f(`hosts => "a" index => "b-%{+YYYY.MM.dd}"`)
	f(`hosts => "a" proxy => ""`)
	f(`host => "a" cluster => "c" embedded => false protocol => "node" node_name => "n" bind_host => "b" flush_size => 5000 idle_flush_time => 5 workers => 4 index_type => "logs" max_retries => 3`,
		`"host" is obsolete`, `"cluster" is obsolete`, `"flush_size" is obsolete`, `"workers" is deprecated`, `protocol "node" is gone`, `"index_type" is obsolete`)
	f(`hosts => "a" ssl => true ssl_certificate_verification => false`, `"ssl" is obsolete`, `"ssl_certificate_verification" is obsolete`)
	f(`hosts => "a" absolute_healthcheck_path => true`, `"absolute_healthcheck_path" is obsolete`)
	f(`hosts => "a" document_type => "x"`, `"document_type" is deprecated`)
	f(`hosts => "a" http_compression => false failure_type_logging_whitelist => ["x"]`, `"http_compression" is deprecated`)
	f(`hosts => "a" username => "u" password => "p"`, `"username" is obsolete`)
	f(`opensearch { hosts => "a" auth_type => { type => "basic" user => "u" password => "p" } index => "x" ecs_compatibility => disabled }`, `"auth_type" is deprecated`)
	f(`opensearch { hosts => "a" auth_type => { type => "aws_iam" region => "eu-1" } index => "x" }`, `authentication by "aws_iam" is not supported`)
	f(`elasticsearch_http { host => "a" index => "x" flush_size => 100 }`, `"host" is obsolete`)
	f(`hosts => "a" validate_after_inactivity => 200`, "noticed at once")
	f(`hosts => "a" codec => json`, "the option codec has no effect")
	f(`hosts => "a" index => "b" doc_as_upsert => true`, "it belongs to updates")
	f(`hosts => "a" index => "b" action => "index" script => "x"`, "it belongs to updates")
	f(`hosts => "a" index => "b" action => "update" document_id => "%{i}" doc_as_upsert => true`)
	f(`hosts => "a" index => "b" action => "%{[@metadata][action]}" document_id => "%{i}" doc_as_upsert => true`)
	f(`hosts => "a" index => "b" manage_template => false template_name => "t"`, "template and template_name have no effect")
	f(`hosts => "a" index => "b" ilm_enabled => false ilm_policy => "p"`, "lifecycle management is off")
	r := f(`hosts => "a" data_stream => true ecs_compatibility => disabled`, "ecs_compatibility is disabled")
	require.NotNil(t, r.enc.stream)
}

// TestCompression: on by default over https only.
func TestCompression(t *testing.T) {
	f := func(conf string, want int) {
		t.Helper()
		require.Equal(t, want, open(t, conf).client.level, conf)
	}
	f(`hosts => "a"`, 0)
	f(`hosts => "https://a"`, 1)
	f(`hosts => "a" compression_level => 3`, 3)
	f(`hosts => "a" http_compression => true`, 1)
	f(`hosts => "https://a" http_compression => false`, 0)
	s := newFake(t, nil)
	r := open(t, `hosts => ["`+s.URL+`"] index => "a" manage_template => false compression_level => 1`)
	await(t, turn(t, r.NewWriter(), `{"a":1}`))
	require.Contains(t, s.bulks()[0], `{"a":1,`)
	require.Equal(t, "gzip", s.heads[len(s.heads)-1].Get("Content-Encoding"))
}

// TestDataStreamDecision: with auto, whether a data stream is written to depends on which options are given.
func TestDataStreamDecision(t *testing.T) {
	f := func(conf string, want bool) {
		t.Helper()
		require.Equal(t, want, open(t, `hosts => "a" `+conf).enc.stream != nil, conf)
	}
	f(``, true)
	f(`data_stream => auto`, true)
	f(`manage_template => false`, true)
	f(`action => "create"`, true)
	f(`pipeline => "p" routing => "r"`, true)
	f(`user => "u" password => "p" retry_max_interval => 5`, true)
	f(`data_stream_dataset => "x"`, true)
	f(`idempotent => true`, true)
	f(`data_stream => false`, false)
	f(`action => "index"`, false)
	f(`index => "a"`, false)
	f(`document_id => "a"`, false)
	f(`ilm_enabled => false`, false)
	f(`template_overwrite => false`, false)
	f(`manage_template => true`, false)
	f(`ecs_compatibility => disabled`, false)
}

// TestTLS verifies certificates by an authority and by its fingerprint.
func TestTLS(t *testing.T) {
	ca := testenv.NewCA(t)
	conf, err := ca.Issue(t, "node", farAway).ServerConfig()
	require.NoError(t, err)
	s := newFakeTLS(t, conf)
	f := func(options string) {
		t.Helper()
		r := open(t, `hosts => ["`+s.URL+`"] index => "a" manage_template => false `+options)
		await(t, turn(t, r.NewWriter(), `{"a":1}`))
	}
	f(`ssl_verification_mode => none`)
	f(`ssl_certificate_authorities => ["` + writeFile(t, ca.PEM) + `"]`)
}

// TestPool: a node that failed is left out for resurrect_delay, and used when all failed.
func TestPool(t *testing.T) {
	var conns []*elastictransport.Connection
	for i := range 3 {
		conns = append(conns, &elastictransport.Connection{URL: &url.URL{Host: fmt.Sprint(i)}})
	}
	p := newPool(conns, 1e9)
	next := func() string {
		c, err := p.Next()
		require.NoError(t, err)
		return c.URL.Host
	}
	require.Equal(t, "012012", next()+next()+next()+next()+next()+next())
	require.NoError(t, p.OnFailure(conns[1]))
	require.Equal(t, "0202", next()+next()+next()+next())
	require.NoError(t, p.OnFailure(conns[0]))
	require.NoError(t, p.OnFailure(conns[2]))
	require.Equal(t, "1", next(), "the one that failed first")
	require.NoError(t, p.OnSuccess(conns[2]))
	require.Equal(t, "22", next()+next())
	require.NoError(t, p.Update(nil))
	require.Len(t, p.URLs(), 3)
	require.NoError(t, p.Update(conns[:1]))
	require.Len(t, p.URLs(), 1)
}

// TestSniffing finds the nodes that the first one names.
func TestSniffing(t *testing.T) {
	second := newFake(t, nil)
	first := newFake(t, func(w http.ResponseWriter, r *http.Request, _ string) bool {
		if r.URL.Path != "/_nodes/http" {
			return false
		}
		_, _ = fmt.Fprintf(w, `{"nodes":{"x":{"name":"x","roles":["data"],"http":{"publish_address":%q}}}}`, strings.TrimPrefix(second.URL, "http://"))
		return true
	})
	r := open(t, `hosts => ["`+first.URL+`"] index => "a" manage_template => false sniffing => true sniffing_delay => 0.01 user => "u" password => "p"`)
	w := r.NewWriter()
	require.Eventually(t, func() bool {
		await(t, turn(t, w, `{"a":1}`))
		return len(second.bulks()) > 0
	}, patience, tick)
	second.mu.Lock()
	defer second.mu.Unlock()
	require.Equal(t, "Basic dTpw", second.heads[0].Get("Authorization"))
}

// TestProxy: requests go through the proxy that is named, and only then.
func TestProxy(t *testing.T) {
	proxy := newFake(t, nil)
	t.Setenv("HTTP_PROXY", "http://192.0.2.1:1")
	r := open(t, `hosts => ["elasticsearch.invalid"] index => "a" manage_template => false proxy => "`+proxy.URL+`"`)
	await(t, turn(t, r.NewWriter(), `{"a":1}`))
	require.Len(t, proxy.bulks(), 1)
}

// TestAppendDoesNotAllocate in the steady state.
func TestAppendDoesNotAllocate(t *testing.T) {
	f := func(conf string) {
		t.Helper()
		w := open(t, conf).NewWriter().(*writer)
		e := makeEvent(t, apacheDoc)
		run := func() {
			for range 100 {
				if err := w.Append(e); err != nil {
					t.Fatal(err)
				}
			}
			w.buf.Discard()
		}
		run()
		least := testing.AllocsPerRun(10, run)
		for try := 0; try < 10 && least > 0; try++ { // what ends of the tests before may allocate meanwhile
			least = min(least, testing.AllocsPerRun(10, run))
		}
		require.Zero(t, least, conf)
	}
	f(``)
	f(`index => "app-%{type}-%{+yyyy.MM.dd}" document_id => "%{clientip}" pipeline => "p" routing => "%{verb}"`)
	f(`action => "update" document_id => "%{clientip}" doc_as_upsert => true`)
	f(`idempotent => true`)
}

// TestUnreachableAtStart: events are held and delivered when the cluster comes.
func TestUnreachableAtStart(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, `{"errors":false,"version":{"number":"8.19.0"}}`)
	}))
	require.NoError(t, s.Listener.Close())
	addr := fmt.Sprintf("127.0.0.1:%d", testenv.FreePort(t))
	r := open(t, `hosts => ["`+addr+`"] index => "a" manage_template => false`)
	require.NoError(t, r.Start(t.Context()))
	done := turn(t, r.NewWriter(), `{"a":1}`)
	require.Never(t, func() bool { return r.sender.State().Held == 0 }, 3*tick, tick)
	l, err := net.Listen("tcp", addr)
	require.NoError(t, err)
	s.Listener = l
	s.Start()
	defer s.Close()
	await(t, done)
	require.EqualValues(t, 1, r.env.Stats.Delivered.Load())
}

var _ plugin.Output = (*output)(nil)
var _ plugin.Starter = (*output)(nil)
