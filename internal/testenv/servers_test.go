package testenv

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestMain(m *testing.M) { os.Exit(shared.Run(m)) }

var shared = SharedElasticsearch()

func bulk(n int, index string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"index\":{\"_index\":%q,\"_id\":\"%d\"}}\n{\"n\":%d}\n", index, i, i)
	}
	return b.String()
}

func TestElasticsearchSurvivesKillAndRestart(t *testing.T) {
	es := shared.Get(t)
	url := es.URL
	require.Zero(t, es.Count("kept"), "an index that does not exist counts as empty")
	es.Must(http.MethodPost, "_bulk", bulk(10, "kept"))
	require.Equal(t, 10, es.Count("kept"))
	hits := es.Search("kept", `{"term":{"n":7}}`)
	require.Len(t, hits, 1)
	require.Equal(t, "7", hits[0].ID)
	require.JSONEq(t, `{"n":7}`, string(hits[0].Source))

	es.Kill()
	require.False(t, es.Running())
	_, _, err := es.Try(http.MethodGet, "/", "")
	require.Error(t, err)
	es.Start()
	require.Equal(t, url, es.URL)
	require.Equal(t, 10, es.Count("kept"), "what was answered before the kill is there after the restart")
}

func TestElasticsearchPause(t *testing.T) {
	es := shared.Get(t)
	es.Pause()
	es.Client.Timeout = 200 * time.Millisecond
	_, _, err := es.Try(http.MethodGet, "/", "")
	require.Error(t, err, "a paused node accepts a connection and never answers")
	es.Continue()
	es.Client.Timeout = requestTimeout
	status, body := es.Do(http.MethodGet, "/", "")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, string(body), `"8.19`)
}

func TestElasticsearchSecurityAndTLS(t *testing.T) {
	crt := NewCA(t).Issue(t, "es.test", time.Now().Add(time.Hour))
	es := Elasticsearch(t, WithSecurity("admin", "secret1"), WithTLS(crt))
	require.True(t, strings.HasPrefix(es.URL, "https://"))
	es.Must(http.MethodPost, "_bulk", bulk(1, "a"))

	c := &http.Client{Transport: &http.Transport{TLSClientConfig: crt.ClientConfig()}}
	resp, err := c.Get(es.URL)
	require.NoError(t, err, "the certificate verifies against its authority")
	require.NoError(t, resp.Body.Close())
	require.Equal(t, http.StatusUnauthorized, resp.StatusCode)
}

func TestIssueAnExpiredCertificate(t *testing.T) {
	ca := NewCA(t)
	verify := func(crt *TLS) error {
		pair, err := tls.X509KeyPair(crt.CertPEM, crt.KeyPEM)
		require.NoError(t, err)
		_, err = pair.Leaf.Verify(x509.VerifyOptions{Roots: crt.ClientConfig().RootCAs, DNSName: "es.test"})
		return err
	}
	require.NoError(t, verify(ca.Issue(t, "es.test", time.Now().Add(time.Hour))))
	var invalid x509.CertificateInvalidError
	require.ErrorAs(t, verify(ca.Issue(t, "es.test", time.Now().Add(-time.Hour))), &invalid)
	require.Equal(t, x509.Expired, invalid.Reason)
}

func TestKafka(t *testing.T) {
	k := Kafka(t)
	addr := k.Addr()
	dial := func() error {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			c.Close()
		}
		return err
	}
	require.NoError(t, dial())
	k.Stop()
	require.Error(t, dial())
	k.Start()
	require.Equal(t, addr, k.Addr())
	require.NoError(t, dial())
}

func TestRedis(t *testing.T) {
	r := Redis(t, WithSecurity("", "pw"), WithSetting("appendonly", "yes"), WithSetting("appendfsync", "always"))
	ask := func(lines ...string) (answer string) {
		c, err := net.Dial("tcp", r.Addr())
		require.NoError(t, err)
		defer c.Close()
		br := bufio.NewReader(c)
		for _, l := range lines {
			_, err = c.Write([]byte(l + "\r\n"))
			require.NoError(t, err)
			answer, err = br.ReadString('\n')
			require.NoError(t, err)
		}
		return strings.TrimSpace(answer)
	}
	require.Contains(t, ask("SET a 1"), "NOAUTH")
	require.Equal(t, "+OK", ask("AUTH pw", "SET a 1"))
	r.Kill()
	r.Start()
	require.Equal(t, ":1", ask("AUTH pw", "EXISTS a"))
}

func TestMissingTools(t *testing.T) {
	require.Equal(t, []string{"no-such-tool-a", "no-such-tool-b"}, missingTools("no-such-tool-a", "go", "no-such-tool-b"))
}
