package elasticsearch

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
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
	ecs    bool

	ilm     string // auto or true if a rollover alias takes the place of the index; "" if not
	alias   string
	pattern string
	policy  string
	decided chan struct{} // closed when it is known whether the alias is used

	manage    bool
	api       string
	tmpl      map[string]any // of the user's file; nil: the default one
	name      string         // of the template; "": by alias and ECS
	overwrite bool

	sniff    time.Duration // how often to ask for nodes; 0: never
	sniffing sync.Once

	info    serverInfo
	cluster atomic.Pointer[string] // its uuid, once known
}

// newAdmin checks the options and reads the template file.
func newAdmin(o *Options, env *plugin.Env, streams bool, enc *encoder) (*admin, error) {
	a := &admin{
		enc: enc, ecs: env.ECS.Enabled(), alias: o.ILMRolloverAlias, pattern: o.ILMPattern, policy: o.ILMPolicy, decided: make(chan struct{}),
		manage: *o.ManageTemplate && !streams, api: o.TemplateAPI, name: o.TemplateName, overwrite: *o.TemplateOverwrite,
	}
	if o.Sniffing {
		a.sniff = o.SniffingDelay
	}
	defaultAlias := a.defaultName()
	if a.alias == "" {
		a.alias = defaultAlias
	}
	if !streams && o.ILMEnabled != "false" && (enc.own || a.alias != defaultAlias) {
		if !enc.own && o.Index != nil {
			env.Warn("index", "the rollover alias %q takes the place of the index", a.alias)
		}
		a.ilm = o.ILMEnabled
		enc.useAlias(a.alias)
	}
	if o.Template == "" || !a.manage {
		return a, nil
	}
	text, err := os.ReadFile(o.Template)
	if err == nil {
		err = json.Unmarshal(text, &a.tmpl)
	}
	if err != nil {
		return nil, plugin.OptionError("template", fmt.Errorf("reading the index template in %q: %w", o.Template, err))
	}
	return a, nil
}

// defaultName is that of the template and of the rollover alias.
func (a *admin) defaultName() string {
	if a.ecs {
		return "ecs-logstash"
	}
	return "logstash"
}

// adminTimeout bounds one administrative call.
const adminTimeout = 30 * time.Second

// prepare makes all calls. An error says that the cluster cannot be used yet; what the cluster refuses for good is logged, and events go
// their way without it, as a user who may write need not be one who may install templates.
func (a *admin) prepare(ctx context.Context) error {
	if err := a.identify(ctx); err != nil {
		return err
	}
	if err := a.decide(ctx); err != nil {
		return err
	}
	if err := a.installTemplate(ctx); err != nil {
		return err
	}
	if err := a.bootstrap(ctx); err != nil {
		return err
	}
	if a.sniff > 0 {
		a.sniffing.Do(func() { go a.discover(ctx) })
	}
	return nil
}

// discover asks for the cluster's nodes until ctx ends.
func (a *admin) discover(ctx context.Context) {
	for {
		call, cancel := context.WithTimeout(ctx, adminTimeout)
		err := a.client.pool.DiscoverNodesContext(call)
		cancel()
		if err != nil && ctx.Err() == nil {
			a.log.Warn("asking Elasticsearch for its nodes failed; those known are kept", slog.Any("error", err))
		}
		select {
		case <-time.After(a.sniff):
		case <-ctx.Done():
			return
		}
	}
}

// serverInfo is the answer to GET /.
type serverInfo struct {
	ClusterUUID string `json:"cluster_uuid"`
	Version     struct {
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
	a.info = info
	if info.ClusterUUID != "" {
		a.cluster.Store(&info.ClusterUUID)
	}
	if header.Get("X-Elastic-Product") != "Elasticsearch" && info.major() >= 8 && !info.openSearch() {
		a.log.Warn("the server does not say that it is Elasticsearch", slog.String("version", info.Version.Number))
	}
	if w := newRewriter(info.major(), a.enc.typ != nil); w != nil {
		a.client.rewrite.Store(w)
	}
	return nil
}

// major returns the server's major version as one of Elasticsearch; 0 if it is unknown.
func (i *serverInfo) major() int {
	number, _, _ := strings.Cut(i.Version.Number, ".")
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0
	}
	if i.openSearch() {
		return max(n+6, 7) // OpenSearch 1 began as Elasticsearch 7.10
	}
	return n
}

func (i *serverInfo) openSearch() bool { return i.Version.Distribution == "opensearch" }

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

// refusal turns the status of an administrative call into what is to be done: nil to go on, an error to try again. What the cluster will not
// do on a repetition either is logged as msg.
func (a *admin) refusal(msg string, status int, body []byte, err error) error {
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", msg, err)
	case status < 300:
		return nil
	case status >= 500 || status == http.StatusTooManyRequests || status == http.StatusUnauthorized:
		return fmt.Errorf("%s: status %d: %s", msg, status, shorten(body))
	}
	a.log.Error(msg, slog.Int("status", status), slog.String("answer", shorten(body)))
	return nil
}

func shorten(b []byte) string {
	b = bytes.TrimSpace(b)
	return string(b[:min(len(b), 300)])
}
