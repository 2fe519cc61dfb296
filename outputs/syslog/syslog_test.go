package syslog

import (
	"bufio"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
	"millrace/internal/testenv"
)

const (
	time3164 = "Jan 02 03:04:05"
	time5424 = "2024-01-02T03:04:05.678+00:00"
)

// sent returns the datagram that the output of a config sends for an event.
func sent(t *testing.T, conf, doc string) string {
	t.Helper()
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	o := outputtest.New(t, Plugin, fmt.Sprintf(`host => "localhost" port => %d `, c.LocalAddr().(*net.UDPAddr).Port)+conf)
	o.Write(t, `{"@timestamp":"2024-01-02T03:04:05.678Z",`+doc[1:])
	buf := make([]byte, 64<<10)
	n, err := c.Read(buf)
	require.NoError(t, err)
	return string(buf[:n])
}

func TestMessages(t *testing.T) {
	f := func(conf, doc, want string) {
		t.Helper()
		require.Equal(t, want, sent(t, conf, doc))
	}
	const e = `{"message":"bar","host":"baz"}`
	f(``, e, "<13>"+time3164+" baz LOGSTASH[-]: bar\n")
	f(`facility => "kernel" severity => "emergency"`, e, "<0>"+time3164+" baz LOGSTASH[-]: bar\n")
	f(`facility => "kernel" severity => "emergency" rfc => "rfc5424"`, e, "<0>1 "+time5424+" baz LOGSTASH - - - bar\n")
	f(`facility => "mail" severity => "critical"`, e, "<18>"+time3164+" baz LOGSTASH[-]: bar\n")
	const full = `{"message":"bar","host":"baz","facility":"mail","severity":"critical","appname":"appname","procid":"1000","msgid":"2000"}`
	const refs = `facility => "%{facility}" severity => "%{severity}" appname => "%{appname}" procid => "%{procid}" msgid => "%{msgid}" `
	f(refs, full, "<18>"+time3164+" baz appname[1000]: bar\n")
	f(refs+`rfc => "rfc5424"`, full, "<18>1 "+time5424+" baz appname 1000 2000 - bar\n")
	f(`rfc => "rfc5424" structured_data => '[x@1 a="%{host}"]'`, e, "<13>1 "+time5424+" baz LOGSTASH - - [x@1 a=\"baz\"] bar\n")
	f(`facility => "%{no}" severity => "%{no}"`, e, "<13>"+time3164+" baz LOGSTASH[-]: bar\n")
	f(`use_labels => false`, e, "<13>"+time3164+" baz LOGSTASH[-]: bar\n")
	f(`use_labels => false`, `{"message":"bar","host":"baz","syslog_pri":"18"}`, "<18>"+time3164+" baz LOGSTASH[-]: bar\n")
	f(`use_labels => false priority => "%{p}"`, `{"message":"bar","host":"baz","p":18}`, "<18>"+time3164+" baz LOGSTASH[-]: bar\n")
	f(`use_labels => false priority => "%{p}"`, `{"message":"bar","host":"baz","p":192}`, "<13>"+time3164+" baz LOGSTASH[-]: bar\n")
	f(`codec => plain { format => "%{host} %{message}" }`, e, "<13>"+time3164+" baz LOGSTASH[-]: baz bar\n")
	f(`codec => json`, `{"message":"bar","host":"baz"}`, "<13>"+time3164+` baz LOGSTASH[-]: {"message":"bar","host":"baz","@timestamp":"2024-01-02T03:04:05.678Z"}`+"\n")
	f(`message => "%{message}!"`, `{"message":"foo\r\nbar\nbaz","host":"h"}`, "<13>"+time3164+` h LOGSTASH[-]: foo\nbar\nbaz!`+"\n")
	f(``, `{"message":"bar \r\n\n","host":"h"}`, "<13>"+time3164+" h LOGSTASH[-]: bar\n")
	f(`show_priority => false`, e, time3164+" baz LOGSTASH[-]: bar\n")
}

// file writes a PEM block or two.
func file(t *testing.T, data ...[]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.pem")
	var all []byte
	for _, d := range data {
		all = append(all, d...)
	}
	require.NoError(t, os.WriteFile(path, all, 0o600))
	return path
}

func lineOf(t *testing.T, l net.Listener) string {
	t.Helper()
	c, err := l.Accept()
	require.NoError(t, err)
	defer func() { _ = c.Close() }()
	require.NoError(t, c.SetReadDeadline(time.Now().Add(time.Minute)))
	line, err := bufio.NewReader(c).ReadString('\n')
	require.NoError(t, err)
	return line
}

func TestConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	to := fmt.Sprintf(`host => "localhost" port => %d reconnect_interval => 0.01 sourcehost => "h" `, l.Addr().(*net.TCPAddr).Port)
	const doc = `{"@timestamp":"2024-01-02T03:04:05.678Z","message":"bar"}`
	settled := outputtest.New(t, Plugin, to+`protocol => "tcp"`).WriteAsync(t, doc)
	require.Equal(t, "<13>"+time3164+" h LOGSTASH[-]: bar\n", lineOf(t, l))
	<-settled

	ca := testenv.NewCA(t)
	conf, err := ca.Issue(t, "server", time.Now().Add(time.Hour)).ServerConfig()
	require.NoError(t, err)
	tl := tls.NewListener(l, conf)
	authority := file(t, ca.PEM)
	for _, verify := range []string{"", fmt.Sprintf("ssl_verify => true ssl_certificate_authorities => %q", authority),
		fmt.Sprintf("ssl_verify => true ssl_cacert => %q", authority)} {
		settled := outputtest.New(t, Plugin, to+`protocol => "ssl-tcp" `+verify).WriteAsync(t, doc)
		require.Equal(t, "<13>"+time3164+" h LOGSTASH[-]: bar\n", lineOf(t, tl), verify)
		<-settled
	}
}

func TestRevokedCertificates(t *testing.T) {
	authority, key := newAuthority(t)
	leaf := func(serial int64) *x509.Certificate {
		der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(serial), NotAfter: time.Now().Add(time.Hour)},
			authority, key.Public(), key)
		require.NoError(t, err)
		c, err := x509.ParseCertificate(der)
		require.NoError(t, err)
		return c
	}
	der, err := x509.CreateRevocationList(rand.Reader, &x509.RevocationList{
		Number: big.NewInt(1), NextUpdate: time.Now().Add(time.Hour),
		RevokedCertificateEntries: []x509.RevocationListEntry{{SerialNumber: big.NewInt(7), RevocationTime: time.Now()}},
	}, authority, key)
	require.NoError(t, err)
	for _, path := range []string{file(t, der), file(t, pem.EncodeToMemory(&pem.Block{Type: "X509 CRL", Bytes: der}))} {
		lists, err := readRevoked(path)
		require.NoError(t, err)
		f := func(serial int64, all bool) error {
			return lists.check(all)(tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf(serial), authority}}})
		}
		require.NoError(t, f(8, true))
		require.ErrorContains(t, f(7, false), "was revoked")
	}
	other, _ := newAuthority(t)
	lists, err := readRevoked(file(t, der))
	require.NoError(t, err)
	require.ErrorContains(t, lists.check(false)(tls.ConnectionState{VerifiedChains: [][]*x509.Certificate{{leaf(8), other}}}), "there is no list")
}

func TestMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		outputtest.Refused(t, Plugin, `host => "h" `+conf, want)
	}
	f(``, `"port" is required`)
	f(`port => 0`, "not a port")
	f(`port => 1 protocol => "sctp"`, "protocol")
	f(fmt.Sprintf(`port => 1 protocol => "ssl-tcp" ssl_crl_path => %q`, file(t)), "ssl_verify => true")
	f(fmt.Sprintf(`port => 1 protocol => "ssl-tcp" ssl_verify => true ssl_crl_path => %q`, file(t, []byte("text"))), "reading revoked certificates")
	outputtest.Warned(t, Plugin, `host => "h" port => 1 facility => "kern"`, `"user-level" takes its place`)
	outputtest.Warned(t, Plugin, `host => "h" port => 1 severity => "warn"`, `"notice" takes its place`)
	outputtest.Warned(t, Plugin, `host => "h" port => 1 timestamp => "x"`, "obsolete")
}
