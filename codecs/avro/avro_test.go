package avro

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"millrace/codecs/internal/codectest"
	"millrace/internal/joda"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

const small = `{"type":"record","name":"Test","fields":[{"name":"foo","type":["null","string"]},{"name":"bar","type":"int"}]}`

func options(t testing.TB, schema string, change func(o *Options)) Options {
	t.Helper()
	o := *Plugin.Options().(*Options)
	o.SchemaURI = filepath.Join(t.TempDir(), "schema.avsc")
	require.NoError(t, os.WriteFile(o.SchemaURI, []byte(schema), 0o600))
	change(&o)
	return o
}

func codec(t testing.TB, schema string, mode plugin.ECS, change func(o *Options)) *plugin.Codec {
	t.Helper()
	c, err := New(options(t, schema, change), codectest.Env(mode))
	require.NoError(t, err)
	return c
}

func none(*Options) {}

func asBinary(o *Options) { o.Encoding = encodingBinary }

// hello is {"foo":"hello","bar":10}: branch 1, a string of 5 bytes, the number.
const hello = "\x02\x0ahello\x14"

func TestDecode(t *testing.T) {
	f := func(mode plugin.ECS, change func(o *Options), in, want string) {
		t.Helper()
		require.Equal(t, want, codectest.Joined(codec(t, small, mode, change), in))
	}
	coded := base64.StdEncoding.EncodeToString([]byte(hello))
	f(plugin.ECSDisabled, none, coded, `{"foo":"hello","bar":10}`)
	f(plugin.ECSDisabled, none, hello, `{"foo":"hello","bar":10}`)
	f(plugin.ECSDisabled, asBinary, hello, `{"foo":"hello","bar":10}`)
	f(plugin.ECSDisabled, asBinary, "\x00\x13", `{"foo":null,"bar":-10}`)
	f(plugin.ECSDisabled, asBinary, coded, `{"message":"`+coded+`","tags":["_avroparsefailure"]}`)
	f(plugin.ECSDisabled, none, "not avro", `{"message":"not avro","tags":["_avroparsefailure"]}`)
	f(plugin.ECSDisabled, none, "", `{"message":"","tags":["_avroparsefailure"]}`)
	f(plugin.ECSv8, none, coded, `{"foo":"hello","bar":10,"event":{"original":"`+coded+`"}}`)
	f(plugin.ECSDisabled, func(o *Options) { o.Target = *event.MustPath("x") }, coded, `{"x":{"foo":"hello","bar":10}}`)
}

const large = `{"namespace":"n.s","type":"record","name":"All","fields":[
 {"name":"b","type":"boolean"},{"name":"l","type":"long"},{"name":"f","type":"float"},{"name":"d","type":{"type":"double"}},
 {"name":"y","type":"bytes"},{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"x","type":{"type":"fixed","name":"F","size":2}},
 {"name":"a","type":{"type":"array","items":"int"}},{"name":"m","type":{"type":"map","values":["null","E"]}},
 {"name":"t","type":{"type":"long","logicalType":"timestamp-millis"}},
 {"name":"next","type":["null","All"],"default":null},{"name":"again","type":"n.s.F","default":"zz"}]}`

func TestAllTypes(t *testing.T) {
	const doc = `{"b":true,"l":-123456789012,"f":1.5,"d":-2.25,"y":"bytes","e":"B","x":"hi","a":[1,-1,300],"m":{"k":"A","n":null},` +
		`"t":"2024-05-17T08:30:15.123Z","next":{"b":false,"l":0,"f":0.0,"d":0.0,"y":"","e":"A","x":"ho","a":[],"m":{},"t":"1970-01-01T00:00:00.000Z","next":null,"again":"zz"},"again":"zz"}`
	c := codec(t, large, plugin.ECSDisabled, none)
	e := codectest.Event(t, doc)
	for _, path := range []string{"[t]", "[next][t]"} { // JSON has no instants
		v, _ := e.Get(event.MustPath(path))
		at, ok := joda.ParseTimestamp(v.Str())
		require.True(t, ok)
		require.NoError(t, e.Set(event.MustPath(path), event.TimeValue(at)))
	}
	e.Root().Delete("again")
	e.Root().Set("next", event.Value{})
	coded, err := c.NewEncoder().AppendEncode(nil, e)
	require.NoError(t, err)
	require.NotContains(t, string(coded), "\n")
	i := strings.Index(doc, `"next"`)
	require.Equal(t, doc[:i]+`"next":null,"again":"zz"}`, codectest.Joined(c, string(coded)))
}

func TestLogicalTypes(t *testing.T) {
	f := func(typ, in, want string) {
		t.Helper()
		c := codec(t, `{"type":"record","name":"R","fields":[{"name":"v","type":`+typ+`}]}`, plugin.ECSDisabled, asBinary)
		require.Equal(t, `{"v":`+want+`}`, codectest.Joined(c, in))
	}
	f(`{"type":"int","logicalType":"date"}`, "\xc0\xb7\x02", `"2024-08-01"`)
	f(`{"type":"long","logicalType":"timestamp-micros"}`, "\x02", `"1970-01-01T00:00:00.000001Z"`)
	f(`{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, "\x04\x30\x39", `"123.45"`)
	f(`{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}`, "\x02\xff", `"-0.01"`)
	f(`{"type":"string","logicalType":"uuid"}`, "\x04id", `"id"`)
	f(`{"type":"array","items":"string"}`, "\x03\x08\x02a\x02b\x00", `["a","b"]`) // a block that tells its length
}

func TestEncode(t *testing.T) {
	require.Equal(t, base64.StdEncoding.EncodeToString([]byte(hello)), codectest.Encode(t, codec(t, small, plugin.ECSDisabled, none), `{"foo":"hello","bar":10}`))
	require.Equal(t, hello, codectest.Encode(t, codec(t, small, plugin.ECSDisabled, asBinary), `{"foo":"hello","bar":10,"more":1}`))
	_, err := codec(t, small, plugin.ECSDisabled, asBinary).NewEncoder().AppendEncode(nil, codectest.Event(t, `{"foo":"hello","bar":"ten"}`))
	require.ErrorContains(t, err, `field "bar"`)
	floats := `{"type":"record","name":"R","fields":[{"name":"n","type":["string","null"]},{"name":"x","type":["double","null"]}]}`
	c := codec(t, floats, plugin.ECSDisabled, none)
	require.Equal(t, `{"n":"foo","x":21.01234}`, codectest.Joined(c, codectest.Encode(t, c, `{"n":"foo","x":21.01234}`)))
	stamp := `{"type":"record","name":"R","fields":[{"name":"@timestamp","type":"string"}]}`
	require.Equal(t, "\x302024-05-17T08:30:15.123Z", codectest.Encode(t, codec(t, stamp, plugin.ECSDisabled, asBinary), `{}`))
}

func TestFetched(t *testing.T) {
	answer := http.StatusServiceUnavailable
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "me" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(answer)
		_, _ = w.Write([]byte(small))
	}))
	defer server.Close()
	user, password := "me", config.Password("secret")
	o := *Plugin.Options().(*Options)
	o.SchemaURI, o.Username, o.Password = server.URL, &user, &password
	s, err := newSource(&o)
	require.NoError(t, err)
	_, err = s.get()
	require.ErrorContains(t, err, "503")
	answer = http.StatusOK
	_, err = s.get()
	require.ErrorContains(t, err, "503", "it is not asked again at once")
	s.again = s.again.Add(-retryAfter)
	schema, err := s.get()
	require.NoError(t, err)
	require.Equal(t, "Test", schema.name)
}

func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := *Plugin.Options().(*Options)
		o.SchemaURI = "http://schema.invalid./x"
		c, err := New(o, codectest.Env(plugin.ECSDisabled))
		require.NoError(t, err)
		c.NewDecoder()
		source, err := newSource(&o)
		require.NoError(t, err)
		source.client.Transport = refusing{}
		d := &decoder{o: &o, schema: source}
		require.Error(t, d.decode(event.New(nil), hello))
	})
}

// refusing answers nothing.
type refusing struct{}

func (refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	return nil, &url.Error{Op: "Get", URL: r.URL.String(), Err: os.ErrDeadlineExceeded}
}

func TestRefused(t *testing.T) {
	f := func(schema string, change func(o *Options), want string) {
		t.Helper()
		_, err := New(options(t, schema, change), codectest.Env(plugin.ECSDisabled))
		require.ErrorContains(t, err, want)
	}
	f("{", none, "avro schema")
	f(`"unicorn"`, none, `unknown type "unicorn"`)
	f(`{"type":"record","fields":[]}`, none, "without a name")
	f(`{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"fixed","name":"R","size":1}}]}`, none, "defined twice")
	f(`[["null"]]`, none, "union")
	f(strings.Repeat(`{"type":"array","items":`, 300), none, "avro schema")
	f(small, func(o *Options) { o.SchemaURI = "no/such/file" }, "reading the schema")
	empty, secret, no := "", config.Password("x"), false
	web := func(change func(o *Options)) func(o *Options) {
		return func(o *Options) {
			o.SchemaURI = "https://registry.invalid/schema.avsc"
			change(o)
		}
	}
	f(small, web(func(o *Options) { o.Username = &empty }), "username requires password")
	f(small, web(func(o *Options) { o.Password = &secret }), "unless username")
	f(small, web(func(o *Options) { o.Username, o.Password = &empty, &secret }), "empty username")
	f(small, web(func(o *Options) { o.SSLEnabled = &no }), "requires ssl_enabled")
	f(small, web(func(o *Options) { o.Authorities = []string{"a", "b"} }), "multiple values")
	f(small, web(func(o *Options) { o.Authorities = []string{} }), "must not be empty")
	f(small, web(func(o *Options) { o.Certificate = "a" }), "requires ssl_key")
	f(small, web(func(o *Options) { o.Key = "a" }), "unless ssl_certificate")
	f(small, web(func(o *Options) { o.Certificate, o.Key, o.Keystore = "a", "b", "c" }), "together")
	f(small, web(func(o *Options) { o.KeystoreType = "jks" }), "ssl_keystore_path")
	f(small, web(func(o *Options) { o.TruststorePassword = "x" }), "ssl_truststore_path")
	f(small, web(func(o *Options) { o.Truststore, o.Authorities = "a", []string{"b"} }), "together")
	f(small, web(func(o *Options) { o.Truststore, o.VerificationMode = "a", "none" }), "must be full")
}

func FuzzDecode(f *testing.F) {
	f.Add(hello)
	f.Add("\x01\x02\x00\x00\x00\x00")
	c := codec(f, large, plugin.ECSv8, asBinary)
	f.Fuzz(func(t *testing.T, data string) { codectest.Decode(c, data) })
}

func FuzzSchema(f *testing.F) {
	f.Add(small)
	f.Add(large)
	f.Add(`{"type":"record","name":"R","fields":[{"name":"a","type":"R","default":{}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSchema([]byte(text))
		if err != nil {
			return
		}
		e := event.New(nil)
		_, _ = appendValue(nil, s, event.ObjectValue(e.Root()), 0)
	})
}

func BenchmarkDecode(b *testing.B) {
	codectest.BenchmarkDecode(b, codec(b, small, plugin.ECSDisabled, asBinary), hello)
}

func BenchmarkEncode(b *testing.B) {
	codectest.BenchmarkEncode(b, codec(b, small, plugin.ECSDisabled, asBinary), `{"foo":"hello","bar":10}`)
}
