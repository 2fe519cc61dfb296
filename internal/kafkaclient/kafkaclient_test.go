package kafkaclient

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/internal/logging"
	"millrace/internal/testenv"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

func env() *plugin.Env { return &plugin.Env{Log: logging.Discard(), Version: "1.2.3 (test)"} }

func TestJAAS(t *testing.T) {
	f := func(text, module string, options ...string) {
		t.Helper()
		l, err := parseJAAS(text)
		require.NoError(t, err)
		require.Equal(t, module, l.name())
		want := map[string]string{}
		for i := 0; i < len(options); i += 2 {
			want[options[i]] = options[i+1]
		}
		require.Equal(t, want, l.options)
	}
	f(`org.apache.kafka.common.security.plain.PlainLoginModule required username="alice" password="a;b=\"c\\";`, "PlainLoginModule", "username", "alice", "password", `a;b="c\`)
	f("x.ScramLoginModule  REQUIRED\n username='u' // user\n /* its */ password = p tokenauth=true ;", "ScramLoginModule", "username", "u", "password", "p", "tokenauth", "true")
	f(`a.B required;`, "B")
	f(`KafkaServer { a.B required x="1"; c.D optional; };
		KafkaClient { e.F required username="" password="2"; };`, "F", "username", "", "password", "2")
	bad := func(text, want string) {
		t.Helper()
		_, err := parseJAAS(text)
		require.ErrorContains(t, err, want)
	}
	bad(``, "expected the class")
	bad(`a.B username="x";`, "expected the class")
	bad(`a.B required username="secret`, "without an end")
	bad(`a.B required username "x";`, "expected =")
	bad(`a.B required username=;`, "has no value")
	bad(`a.B required username="x"`, "expected ;")
	bad(`Other { a.B required; };`, "no section KafkaClient")
	bad(`KafkaClient { };`, "without a login module")
	bad(`KafkaClient { a.B required; }`, "expected ; after a section")
	bad(`/* x`, "comment without an end")
}

func FuzzJAAS(f *testing.F) {
	f.Add(`KafkaClient { a.B required x="1"; };`)
	f.Add(`a.B required x='\n' /* */ // `)
	f.Fuzz(func(t *testing.T, text string) {
		if l, err := parseJAAS(text); err == nil && l.options == nil {
			t.Fatal("a login without options that can be asked for")
		}
	})
}

func TestSeeds(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		got, err := (&Options{BootstrapServers: text}).seeds()
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	f("a:1, b:2 ,", "a:1", "b:2")
	f("SASL_SSL://a:1", "a:1")
	f("a", "a:9092")
	f("[::1]:9093", "[::1]:9093")
	for _, bad := range []string{"", ",", "a:", ":1", "a:1:2"} {
		_, err := (&Options{BootstrapServers: bad}).seeds()
		require.Error(t, err, bad)
	}
}

func TestPause(t *testing.T) {
	o := Defaults()
	for failures, want := range map[int]time.Duration{0: 100 * time.Millisecond, 1: 100 * time.Millisecond, 3: 400 * time.Millisecond, 100: time.Second} {
		got := o.pause(failures)
		require.InDelta(t, want, got, 0.21*float64(want), "%d", failures)
	}
}

func TestRefused(t *testing.T) {
	f := func(change func(o *Options), want string) {
		t.Helper()
		o := Defaults()
		change(&o)
		_, err := o.Client(env())
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "secret")
	}
	login := func(mechanism, jaas string) func(o *Options) {
		return func(o *Options) {
			o.SecurityProtocol, o.Mechanism, o.JAASConfig = "SASL_PLAINTEXT", mechanism, config.Password(jaas)
		}
	}
	f(login("GSSAPI", ""), "Kerberos")
	f(login("AWS_MSK_IAM", ""), "not available")
	f(login("PLAIN", ""), "needs sasl_jaas_config")
	f(login("PLAIN", `a.PlainLoginModule required username="u" password="secret"`), "expected ;")
	f(login("PLAIN", `a.PlainLoginModule required username="u";`), "needs username")
	f(login("SCRAM-SHA-512", `a.PlainLoginModule required username="u" password="secret";`), "goes with a ScramLoginModule")
	f(login("OAUTHBEARER", ``), "needs sasl_oauthbearer_token_endpoint_url")
	f(func(o *Options) {
		login("OAUTHBEARER", `a.OAuthBearerLoginModule required clientId="x";`)(o)
		o.TokenEndpoint = "https://idp.invalid/token"
	}, "needs clientId")
	f(func(o *Options) { o.SecurityProtocol, o.EndpointIdentification = "SSL", "LDAPS" }, "unknown algorithm")
	f(func(o *Options) { o.SecurityProtocol, o.TruststoreLocation = "SSL", "no/such/file" }, "no/such/file")
	f(func(o *Options) { o.SecurityProtocol, o.KeystoreType = "SSL", "BCFKS" }, "unknown type")
}

func TestTokens(t *testing.T) {
	asked, answer := 0, http.StatusServiceUnavailable
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		id, secret, _ := r.BasicAuth()
		if id != "me" || secret != "secret" || r.FormValue("grant_type") != "client_credentials" || r.FormValue("scope") != "logs" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.WriteHeader(answer)
		_, _ = w.Write([]byte(`{"access_token":"abc","expires_in":3600}`))
		answer = http.StatusOK
	}))
	defer server.Close()
	o := Defaults()
	o.Mechanism, o.TokenEndpoint = "OAUTHBEARER", server.URL
	o.LoginRetryBackoff = time.Millisecond
	o.JAASConfig = `x.OAuthBearerLoginModule required clientId="me" clientSecret="secret" scope="logs";`
	m, err := o.mechanism()
	require.NoError(t, err)
	for range 2 {
		_, first, err := m.Authenticate(t.Context(), "")
		require.NoError(t, err)
		require.Contains(t, string(first), "auth=Bearer abc")
	}
	require.Equal(t, 2, asked, "a refusal is asked again, a token is kept")

	o.JAASConfig = `x.OAuthBearerLoginModule required clientId="me" clientSecret="wrong";`
	m, err = o.mechanism()
	require.NoError(t, err)
	_, _, err = m.Authenticate(t.Context(), "")
	require.ErrorContains(t, err, "401")

	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("def\n"), 0o600))
	o.TokenEndpoint = (&url.URL{Scheme: "file", Path: file}).String()
	m, err = o.mechanism()
	require.NoError(t, err)
	_, first, err := m.Authenticate(t.Context(), "")
	require.NoError(t, err)
	require.Contains(t, string(first), "auth=Bearer def")
}

// TestLogin: a real broker that wants TLS and a password lets in who has both, and nobody else.
func TestLogin(t *testing.T) {
	ca := testenv.NewCA(t)
	crt := ca.Issue(t, "broker", time.Now().Add(time.Hour))
	dir := t.TempDir()
	file := func(name string, parts ...[]byte) string {
		path := filepath.Join(dir, name)
		var all []byte
		for _, p := range parts {
			all = append(all, p...)
		}
		require.NoError(t, os.WriteFile(path, all, 0o600))
		return path
	}
	const module = `org.apache.kafka.common.security.plain.PlainLoginModule required `
	authority := file("ca.pem", ca.PEM)
	broker := testenv.Kafka(t,
		testenv.WithSetting("listeners", "SASL_SSL://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"),
		testenv.WithSetting("advertised.listeners", "SASL_SSL://127.0.0.1:{port}"),
		testenv.WithSetting("inter.broker.listener.name", "SASL_SSL"), testenv.WithSetting("sasl.enabled.mechanisms", "PLAIN"),
		testenv.WithSetting("sasl.mechanism.inter.broker.protocol", "PLAIN"), testenv.WithSetting("ssl.keystore.type", "PEM"),
		testenv.WithSetting("ssl.keystore.location", file("broker.pem", crt.KeyPEM, crt.CertPEM, ca.PEM)),
		testenv.WithSetting("ssl.truststore.type", "PEM"), testenv.WithSetting("ssl.truststore.location", authority),
		testenv.WithSetting("listener.name.sasl_ssl.plain.sasl.jaas.config", module+`username="admin" password="a" user_admin="a" user_alice="right";`))
	f := func(password string, limit time.Duration, change func(o *Options)) error {
		o := Defaults()
		o.BootstrapServers, o.SecurityProtocol, o.Mechanism = broker.Addr(), "SASL_SSL", "PLAIN"
		o.TruststoreLocation, o.TruststoreType = authority, "PEM"
		o.JAASConfig = config.Password(module + `username="alice" password="` + password + `";`)
		change(&o)
		opts, err := o.Client(env())
		require.NoError(t, err)
		cl, err := kgo.NewClient(opts...)
		require.NoError(t, err)
		defer cl.Close()
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		return cl.Ping(ctx)
	}
	require.NoError(t, f("right", time.Minute, func(*Options) {}))
	require.NoError(t, f("right", time.Minute, func(o *Options) {
		o.JAASPath, o.JAASConfig = file("jaas.conf", []byte(`KafkaClient { `+o.JAASConfig.Reveal()+` };`)), ""
		o.EndpointIdentification = ""
	}))
	require.Error(t, f("wrong", time.Second, func(*Options) {}))
	require.Error(t, f("right", time.Second, func(o *Options) { o.TruststoreLocation, o.TruststoreType = "", "" }), "nobody trusts who signed the broker's certificate")
}

func TestUserAgent(t *testing.T) {
	require.Equal(t, "1.2.3-test", software("1.2.3 (test)"))
	require.Equal(t, "dev", software(""))
}
