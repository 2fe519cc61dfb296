package tlsconf

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pavlo-v-chernykh/keystore-go/v4"
	"github.com/stretchr/testify/require"
	"github.com/youmark/pkcs8"
	"software.sslmate.com/src/go-pkcs12"

	"millrace/internal/testenv"
)

func write(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	return path
}

// parts are a certificate, its key and its authority, decoded.
func parts(t *testing.T, c *testenv.TLS) (cert, ca *x509.Certificate, key any) {
	t.Helper()
	parse := func(text []byte) *x509.Certificate {
		block, _ := pem.Decode(text)
		crt, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		return crt
	}
	block, _ := pem.Decode(c.KeyPEM)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	require.NoError(t, err)
	return parse(c.CertPEM), parse(c.CA.PEM), key
}

// shake connects a client to a server of these configurations and returns the errors of both.
func shake(t *testing.T, server, client *tls.Config, name string) (serverErr, clientErr error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	done := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			defer func() { _ = c.Close() }()
			err = tls.Server(c, server).Handshake()
		}
		done <- err
	}()
	raw, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer func() { _ = raw.Close() }()
	client = client.Clone()
	client.ServerName = name
	clientErr = tls.Client(raw, client).Handshake()
	return <-done, clientErr
}

func TestFilesOfEveryForm(t *testing.T) {
	authority := testenv.NewCA(t)
	issued := authority.Issue(t, "server", time.Now().Add(time.Hour))
	cert, ca, key := parts(t, issued)
	certFile, caFile := write(t, issued.CertPEM), write(t, authority.PEM)

	encrypted, err := pkcs8.MarshalPrivateKey(key, []byte("secret"), nil)
	require.NoError(t, err)
	encryptedFile := write(t, pem.EncodeToMemory(&pem.Block{Type: "ENCRYPTED PRIVATE KEY", Bytes: encrypted}))

	p12, err := pkcs12.Modern.Encode(key, cert, []*x509.Certificate{ca}, "secret")
	require.NoError(t, err)
	trust12, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{ca}, "secret")
	require.NoError(t, err)

	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	ks, ts := keystore.New(), keystore.New()
	require.NoError(t, ks.SetPrivateKeyEntry("server", keystore.PrivateKeyEntry{CreationTime: time.Now(), PrivateKey: der,
		CertificateChain: []keystore.Certificate{{Type: "X509", Content: cert.Raw}}}, []byte("secret")))
	require.NoError(t, ts.SetTrustedCertificateEntry("ca", keystore.TrustedCertificateEntry{CreationTime: time.Now(),
		Certificate: keystore.Certificate{Type: "X509", Content: ca.Raw}}))
	var jks, trustJKS bytes.Buffer
	require.NoError(t, ks.Store(&jks, []byte("secret")))
	require.NoError(t, ts.Store(&trustJKS, []byte("secret")))

	servers := map[string]Options{
		"pem":       {Certificate: certFile, Key: write(t, issued.KeyPEM)},
		"encrypted": {Certificate: certFile, Key: encryptedFile, KeyPassphrase: "secret"},
		"pkcs12":    {Keystore: write(t, p12), KeystorePassword: "secret"},
		"jks":       {Keystore: write(t, jks.Bytes()), KeystorePassword: "secret"},
	}
	clients := map[string]Options{
		"pem":         {Authorities: []string{caFile}},
		"pkcs12":      {Truststore: write(t, trust12), TruststorePassword: "secret"},
		"jks":         {Truststore: write(t, trustJKS.Bytes()), TruststoreType: "jks", TruststorePassword: "secret"},
		"certificate": {Authorities: []string{caFile}, VerificationMode: "certificate"},
		"none":        {VerificationMode: "none"},
	}
	for sname, so := range servers {
		server, err := so.Server()
		require.NoError(t, err, sname)
		for cname, co := range clients {
			client, err := co.Client()
			require.NoError(t, err, cname)
			serr, cerr := shake(t, server, client, "localhost")
			require.NoError(t, cerr, "%s %s", sname, cname)
			require.NoError(t, serr, "%s %s", sname, cname)
			_, cerr = shake(t, server, client, "other.example")
			if cname == "none" || cname == "certificate" {
				require.NoError(t, cerr, "%s does not look at the name", cname)
			} else {
				require.Error(t, cerr, "%s verifies the name", cname)
			}
		}
	}
}

func TestFingerprintOfTheAuthority(t *testing.T) {
	authority, other := testenv.NewCA(t), testenv.NewCA(t)
	issued := authority.Issue(t, "server", time.Now().Add(time.Hour))
	chain := append(append([]byte(nil), issued.CertPEM...), authority.PEM...)
	server, err := (&Options{Certificate: write(t, chain), Key: write(t, issued.KeyPEM)}).Server()
	require.NoError(t, err)
	for ca, ok := range map[*testenv.CA]bool{authority: true, other: false} {
		client, err := (&Options{Fingerprint: fingerprint(t, ca)}).Client()
		require.NoError(t, err)
		_, cerr := shake(t, server, client, "localhost")
		require.Equal(t, ok, cerr == nil, "%v", cerr)
	}
	_, err = (&Options{Fingerprint: "abc"}).Client()
	require.ErrorContains(t, err, "64 hexadecimal digits")
}

func fingerprint(t *testing.T, ca *testenv.CA) string {
	t.Helper()
	block, _ := pem.Decode(ca.PEM)
	sum := sha256.Sum256(block.Bytes)
	return hex.EncodeToString(sum[:])
}

func TestMutualTLS(t *testing.T) {
	authority, stranger := testenv.NewCA(t), testenv.NewCA(t)
	caFile := write(t, authority.PEM)
	issue := func(ca *testenv.CA) Options {
		c := ca.Issue(t, "peer", time.Now().Add(time.Hour))
		return Options{Certificate: write(t, c.CertPEM), Key: write(t, c.KeyPEM), Authorities: []string{caFile}}
	}
	f := func(mode string, client Options, ok bool) {
		t.Helper()
		so := issue(authority)
		so.ClientAuthentication = mode
		server, err := so.Server()
		require.NoError(t, err)
		conf, err := client.Client()
		require.NoError(t, err)
		serr, _ := shake(t, server, conf, "localhost")
		require.Equal(t, ok, serr == nil, "%v", serr)
	}
	anonymous := Options{Authorities: []string{caFile}}
	f("required", issue(authority), true)
	f("required", anonymous, false)
	f("required", issue(stranger), false)
	f("optional", anonymous, true)
	f("optional", issue(stranger), false)
	f("none", anonymous, true)
}

func TestMistakes(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	f := func(o Options, want string) {
		t.Helper()
		_, err := o.Client()
		require.ErrorContains(t, err, want)
	}
	f(Options{Certificate: missing, Key: missing}, "no such file")
	f(Options{Certificate: missing}, "needs ssl_key")
	f(Options{Key: missing}, "needs ssl_certificate")
	f(Options{Authorities: []string{write(t, []byte("text"))}}, "no certificate")
	f(Options{Protocols: []string{"SSLv3"}}, "unknown protocol")
	f(Options{CipherSuites: []string{"ROT13"}}, "unknown cipher suite")
	f(Options{CipherSuites: []string{"TLS_DHE_RSA_WITH_AES_256_CBC_SHA256"}}, "nor any other of the list")
	f(Options{Keystore: "k.p12", Certificate: "c.pem"}, "ssl_keystore_path and ssl_certificate exclude each other")
	f(Options{Truststore: "t.p12", Authorities: []string{"ca.pem"}}, "ssl_truststore_path and ssl_certificate_authorities exclude each other")
	f(Options{Keystore: write(t, []byte("text"))}, "keystore")
	f(Options{Truststore: write(t, []byte("text"))}, "truststore")
}

// Suites that Go does not have are of no weight beside one that it has, or where TLS 1.3 chooses its own.
func TestCipherSuitesOfJava(t *testing.T) {
	const dhe, ecdhe = "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
	c, err := (&Options{CipherSuites: []string{dhe, ecdhe}}).Client()
	require.NoError(t, err)
	require.Equal(t, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256}, c.CipherSuites)
	_, err = (&Options{CipherSuites: []string{dhe}, Protocols: []string{"TLSv1.3"}}).Client()
	require.NoError(t, err)
}
