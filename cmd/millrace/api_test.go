package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
	"software.sslmate.com/src/go-pkcs12"

	"millrace/internal/settings"
	"millrace/internal/testenv"
	"millrace/pipeline/monitor"
)

// withSettings returns settings of name=value.
func withSettings(t *testing.T, pairs ...string) *settings.Settings {
	t.Helper()
	s := settings.New()
	for _, kv := range pairs {
		name, value, _ := strings.Cut(kv, "=")
		w, err := s.Set(name, value)
		require.NoError(t, err)
		require.Empty(t, w)
	}
	return s
}

// certificates writes a certificate in every form, and returns their folder.
func certificates(t *testing.T) (dir string, issued *testenv.TLS) {
	t.Helper()
	dir = t.TempDir()
	issued = testenv.NewCA(t).Issue(t, "localhost", time.Now().Add(time.Hour))
	writeFile(t, dir, "cert.pem", string(issued.CertPEM))
	writeFile(t, dir, "key.pem", string(issued.KeyPEM))
	writeFile(t, dir, "ca.pem", string(issued.CA.PEM))
	block, _ := pem.Decode(issued.CertPEM)
	cert, err := x509.ParseCertificate(block.Bytes)
	require.NoError(t, err)
	block, _ = pem.Decode(issued.KeyPEM)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	p12, err := pkcs12.Modern.Encode(key.(*ecdsa.PrivateKey), cert, nil, "changeit")
	require.NoError(t, err)
	writeFile(t, dir, "keystore.p12", string(p12))
	return dir, issued
}

func TestAPIAccess(t *testing.T) {
	dir, _ := certificates(t)
	good := []string{"api.auth.type=basic", "api.auth.basic.username=ann", "api.auth.basic.password=Tr0ub4dor"}
	tls := []string{"api.ssl.enabled=true", "api.ssl.keystore.path=" + dir + "/keystore.p12", "api.ssl.keystore.password=changeit"}
	ok := func(host string, credentials, encrypted bool, warning string, pairs ...string) {
		t.Helper()
		a, err := newAPIAccess(withSettings(t, pairs...))
		require.NoError(t, err)
		require.Equal(t, host, a.host)
		require.Equal(t, credentials, a.credentials != nil)
		require.Equal(t, encrypted, a.tls != nil)
		require.Contains(t, strings.Join(a.warnings, "\n"), warning)
		if warning == "" {
			require.Empty(t, a.warnings)
		}
		require.NotContains(t, strings.Join(a.warnings, "\n"), "weak1")
	}
	join := func(parts ...[]string) (all []string) {
		for _, p := range parts {
			all = append(all, p...)
		}
		return all
	}
	ok("127.0.0.1", false, false, "")
	ok("127.0.0.1", true, false, "", good...)
	ok("127.0.0.1", false, true, "", tls...)
	ok("0.0.0.0", true, true, "", join(good, tls)...)
	ok("127.0.0.1", true, true, "", join(good, tls, []string{"api.http.host=127.0.0.1"})...)
	ok("127.0.0.1", false, true, "", "api.ssl.enabled=true", "api.ssl.certificate="+dir+"/cert.pem", "api.ssl.key="+dir+"/key.pem", "api.ssl.supported_protocols=TLSv1.3")
	ok("127.0.0.1", true, false, "is shorter than 8 characters, has no upper case letter", join(good, []string{"api.auth.basic.password=weak1"})...)
	ok("127.0.0.1", false, false, `"api.auth.basic.username" has no effect because api.auth.type is none`, "api.auth.basic.username=ann")
	ok("127.0.0.1", false, false, `"api.ssl.keystore.path" has no effect`, "api.ssl.keystore.path=/nowhere")
	ok("127.0.0.1", false, false, "", join(good[:1], []string{"api.enabled=false"})...)

	f := func(want string, pairs ...string) {
		t.Helper()
		_, err := newAPIAccess(withSettings(t, pairs...))
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "weak1")
		require.NotContains(t, err.Error(), "wrong secret")
	}
	policy := "api.auth.basic.password_policy."
	f(`"api.auth.basic.username" is required`, "api.auth.type=basic", "api.auth.basic.password=x")
	f(`"api.auth.basic.password" is required`, "api.auth.type=basic", "api.auth.basic.username=x")
	f("no colon", join(good, []string{"api.auth.basic.username=a:b"})...)
	f("has no upper case letter", join(good, []string{"api.auth.basic.password=weak1", policy + "mode=ERROR"})...)
	f("has no character besides", join(good, []string{policy + "include.symbol=REQUIRED", policy + "mode=ERROR"})...)
	f("shorter than 20", join(good, []string{policy + "length.minimum=20", policy + "mode=ERROR"})...)
	f("between 8 and 1024", join(good, []string{policy + "length.minimum=7"})...)
	f(`(or "api.ssl.certificate"`, "api.ssl.enabled=true")
	f("exclude each other", join(tls, []string{"api.ssl.certificate=x"})...)
	f(`"api.ssl.keystore.password" is required`, tls[:2]...)
	f("password incorrect", join(tls, []string{"api.ssl.keystore.password=wrong secret"})...)
	f(`setting "api.ssl.keystore.path": stat`, join(tls, []string{"api.ssl.keystore.path=/nowhere"})...)
	f(`setting "api.ssl.key": stat`, "api.ssl.enabled=true", "api.ssl.certificate="+dir+"/cert.pem", "api.ssl.key=/nowhere")
	f("api.ssl.certificate needs api.ssl.key", "api.ssl.enabled=true", "api.ssl.certificate="+dir+"/cert.pem")
	f(`"TLSv1" is none of TLSv1.1`, join(tls, []string{"api.ssl.supported_protocols=TLSv1, TLSv1.2"})...)
	f("reading the PKCS#12 keystore", join(tls, []string{"api.ssl.keystore.path=" + dir + "/cert.pem"})...)
}

// TestConfigTestChecksTheAPI: -t tells what is wrong with the API's settings.
func TestConfigTestChecksTheAPI(t *testing.T) {
	var out, errs bytes.Buffer
	code := execute(childRegistry(), []string{"millrace", "-t", "-e", "input { generator { } } output { null { } }", "-S", "api.auth.type=basic"}, &out, &errs)
	require.Equal(t, 1, code)
	require.Contains(t, errs.String(), "api.auth.basic.password")
}

func TestPasswordsAreSecretSettings(t *testing.T) {
	for _, s := range settings.All() {
		require.Equal(t, strings.HasSuffix(s.Name, ".password") || strings.HasSuffix(s.Name, "passphrase"), s.Secret, s.Name)
	}
}

// clientOf makes a client as a command with these flags would.
func clientOf(t *testing.T, args ...string) (*apiClient, error) {
	t.Helper()
	t.Setenv("LS_SETTINGS_DIR", t.TempDir())
	var f apiFlags
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.connection(fs)
	f.settings(fs)
	require.NoError(t, fs.Parse(args))
	return f.client(fs)
}

func TestClientAddress(t *testing.T) {
	f := func(want string, args ...string) {
		t.Helper()
		c, err := clientOf(t, args...)
		require.NoError(t, err)
		require.Equal(t, want, c.place())
	}
	f("http://127.0.0.1:9600-9700")
	f("http://127.0.0.1:9650", "--api.http.port", "9650", "--api.http.host", "0.0.0.0")
	f("http://[::1]:1", "--api.http.port", "1", "--api.http.host", "::1")
	f("http://host:9600", "--url", "host:9600")
	f("https://host:9600/x", "--url", "https://host:9600/x/")
	for _, args := range [][]string{{"--url", "ftp://x"}, {"--url", "http://"}, {"--url", "::"}, {"--api.http.port", "x"}, {"--ca", "/nowhere"}} {
		_, err := clientOf(t, args...)
		require.Error(t, err, args)
	}
}

func TestClientCredentials(t *testing.T) {
	f := func(name, password string, args ...string) {
		t.Helper()
		c, err := clientOf(t, args...)
		require.NoError(t, err)
		require.Equal(t, name+":"+password, c.username+":"+c.password)
		require.NotContains(t, c.place(), "@")
	}
	set := []string{"-S", "api.auth.type=basic", "-S", "api.auth.basic.username=s", "-S", "api.auth.basic.password=sp"}
	f("", "")
	f("s", "sp", set...)
	f("s", "sp", append(set, "--url", "http://127.0.0.1:1")...)
	f("", "", append(set, "--url", "http://elsewhere:1")...) // this machine's password is for this machine
	f("u", "p:q", append(set, "--user", "u:p:q")...)
	f("a", "b", append(set, "--user", "u:p", "--url", "http://a:b@x")...)
	t.Setenv("MILLRACE_API_USER", "e")
	t.Setenv("MILLRACE_API_PASSWORD", "ep")
	f("e", "ep", set...)
	f("u", "ep", append(set, "--user", "u")...)
}

// TestClientAgainstServer: every way to trust a certificate, and what is told without.
func TestClientAgainstServer(t *testing.T) {
	dir, issued := certificates(t)
	stranger, err := testenv.NewCA(t).Issue(t, "localhost", time.Now().Add(time.Hour)).ServerConfig()
	require.NoError(t, err)
	own, err := issued.ServerConfig()
	require.NoError(t, err)
	handler := monitor.New(monitor.Options{Credentials: monitor.NewCredentials("ann", "secret")}).Handler()
	server := httptest.NewUnstartedServer(handler)
	server.TLS = own
	server.StartTLS()
	defer server.Close()
	other := httptest.NewUnstartedServer(handler)
	other.TLS = stranger
	other.StartTLS()
	defer other.Close()
	ask := func(args ...string) error {
		c, err := clientOf(t, args...)
		require.NoError(t, err)
		defer c.http.CloseIdleConnections()
		resp, err := c.get(t.Context(), "/_node/stats")
		if err == nil {
			return resp.Body.Close()
		}
		return err
	}
	byURL := func(s *httptest.Server, args ...string) error {
		return ask(append([]string{"--user", "ann:secret", "--url", s.URL}, args...)...)
	}
	ssl := []string{"-S", "api.ssl.enabled=true", "-S", "api.ssl.certificate=" + filepath.Join(dir, "cert.pem"), "-S", "api.ssl.key=" + filepath.Join(dir, "key.pem")}
	var unknown x509.UnknownAuthorityError
	require.ErrorAs(t, byURL(server), &unknown)
	require.NoError(t, byURL(server, "--insecure"))
	require.NoError(t, byURL(server, "--ca", filepath.Join(dir, "ca.pem")))
	require.NoError(t, byURL(server, ssl...), "the certificate of the settings")
	require.ErrorAs(t, byURL(other, append(ssl, "--ca", filepath.Join(dir, "ca.pem"))...), &unknown)
	port := server.Listener.Addr().String()
	port = port[strings.LastIndexByte(port, ':')+1:]
	require.NoError(t, ask(append(ssl, "--user", "ann:secret", "--api.http.port", port)...))
	require.ErrorContains(t, byURL(server, "--insecure", "--user", "ann:wrong"), "asks for a name and a password")

	c, err := clientOf(t, append(ssl, "--api.http.port", port)...)
	require.NoError(t, err)
	require.NoError(t, c.check(t.Context()), "a health check needs no credentials")

	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	require.ErrorIs(t, ask("--url", closed.URL), errNoAnswer)
}
