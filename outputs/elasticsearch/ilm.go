package elasticsearch

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"
)

// defaultPolicyBody rolls over as Logstash's default policy does.
const defaultPolicyBody = `{"policy":{"phases":{"hot":{"actions":{"rollover":{"max_size":"25gb","max_age":"30d"}}}}}}`

// decide finds out whether the cluster knows lifecycle policies, unless the options say so. Without them the alias would never roll over,
// so events go to the index then.
func (a *admin) decide(ctx context.Context) error {
	if a.ilm == "" {
		return nil
	}
	status, _, body, err := a.call(ctx, esapi.ILMGetLifecycleRequest{Policy: a.policy})
	if err != nil {
		return err
	}
	switch status {
	case http.StatusOK, http.StatusForbidden:
		a.close()
		return nil
	case http.StatusNotFound:
		a.close()
		return a.makePolicy(ctx)
	}
	if status >= 500 || status == http.StatusUnauthorized || status == http.StatusTooManyRequests {
		return fmt.Errorf("looking for the lifecycle policy: status %d: %s", status, shorten(body))
	}
	a.log.Warn("the cluster does not know lifecycle policies; no rollover alias is used", slog.String("answer", shorten(body)))
	a.ilm = ""
	a.enc.useAlias("")
	a.close()
	return nil
}

// makePolicy installs the default policy. One that the user names must exist.
func (a *admin) makePolicy(ctx context.Context) error {
	if a.policy != defaultPolicy {
		a.log.Error("the lifecycle policy of ilm_policy does not exist in the cluster", slog.String("policy", a.policy))
		return nil
	}
	status, _, body, err := a.call(ctx, esapi.ILMPutLifecycleRequest{Policy: a.policy, Body: strings.NewReader(defaultPolicyBody)})
	return a.refusal("installing the default lifecycle policy", status, body, err)
}

// close tells that it is known whether the alias is used; prepare may run again.
func (a *admin) close() {
	select {
	case <-a.decided:
	default:
		close(a.decided)
	}
}

// bootstrap makes the first index behind the rollover alias.
func (a *admin) bootstrap(ctx context.Context) error {
	if a.ilm == "" {
		return nil
	}
	status, _, body, err := a.call(ctx, esapi.IndicesExistsRequest{Index: []string{a.alias}})
	if err == nil && status == http.StatusOK {
		return nil
	}
	if status != http.StatusNotFound {
		return a.refusal("looking for the rollover alias", status, body, err)
	}
	alias, err := json.Marshal(map[string]any{"aliases": map[string]any{a.alias: map[string]any{"is_write_index": true}}})
	if err != nil {
		panic("BUG: " + err.Error())
	}
	// The name is date mathematics, whose slash must not be taken for one of the path.
	name := url.PathEscape("<" + a.alias + "-" + a.pattern + ">")
	status, _, body, err = a.call(ctx, esapi.IndicesCreateRequest{Index: name, Body: strings.NewReader(string(alias))})
	if status == http.StatusBadRequest && strings.Contains(string(body), "resource_already_exists") {
		return nil // another output was faster
	}
	return a.refusal("making the first index behind the rollover alias", status, body, err)
}
