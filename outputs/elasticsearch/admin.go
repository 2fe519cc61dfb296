package elasticsearch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"millrace/internal/throttle"
	"millrace/pipeline/plugin"
)

// admin looks at the cluster and installs what the output needs there, before the first event is sent.
type admin struct {
	client *client
	log    *throttle.Logger
	enc    *encoder
	name   string // of the plugin: opensearch need not be Elasticsearch
	major  int    // of the server; 0 unknown
}

func newAdmin(_ *Options, env *plugin.Env, _ bool, enc *encoder) (*admin, error) {
	return &admin{enc: enc, name: env.Name}, nil
}

// adminTimeout bounds one administrative call.
const adminTimeout = 30 * time.Second

// prepare makes all calls. An error says that the cluster cannot be used yet.
func (a *admin) prepare(ctx context.Context) error {
	return a.identify(ctx)
}

// serverInfo is the answer to GET /.
type serverInfo struct {
	Version struct {
		Number       string `json:"number"`
		Distribution string `json:"distribution"`
		Flavor       string `json:"build_flavor"`
	} `json:"version"`
}

// identify asks for product and version. A server that hides them (a proxy, a key without the privilege) is taken for a current one.
func (a *admin) identify(ctx context.Context) error {
	status, header, body, err := a.call(ctx, esapi.InfoRequest{})
	switch {
	case err != nil:
		return err
	case status == http.StatusForbidden || status == http.StatusNotFound:
		a.log.Warn("the server does not tell its version; it is taken for a current Elasticsearch", slog.Int("status", status))
		return nil
	case status != http.StatusOK:
		return fmt.Errorf("GET / was answered with status %d: %s", status, shorten(body))
	}
	var info serverInfo
	if err := json.Unmarshal(body, &info); err != nil {
		return fmt.Errorf("GET / was answered by something that is not Elasticsearch: %s", shorten(body))
	}
	number, _, _ := strings.Cut(info.Version.Number, ".")
	a.major, _ = strconv.Atoi(number)
	switch {
	case info.Version.Distribution == "opensearch":
		a.major = max(a.major+6, 7) // OpenSearch 1 began as Elasticsearch 7.10
	case header.Get("X-Elastic-Product") != "Elasticsearch" && a.major >= 8:
		a.log.Warn("the server does not say that it is Elasticsearch", slog.String("version", info.Version.Number))
	}
	if w := newRewriter(a.major, a.enc.typ != nil); w != nil {
		a.client.rewrite.Store(w)
	}
	return nil
}

// doer is a typed administrative call.
type doer interface {
	Do(ctx context.Context, t esapi.Transport) (*esapi.Response, error)
}

func (a *admin) call(ctx context.Context, d doer) (status int, header http.Header, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	res, err := d.Do(ctx, a.client)
	if err != nil {
		return 0, nil, nil, err
	}
	defer res.Body.Close()
	body, err = io.ReadAll(io.LimitReader(res.Body, 4<<20))
	return res.StatusCode, res.Header, body, err
}

func shorten(b []byte) string {
	b = bytes.TrimSpace(b)
	return string(b[:min(len(b), 300)])
}
