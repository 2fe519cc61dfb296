package elasticsearch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxSearchAnswer bounds what is read of the answer to a search.
const maxSearchAnswer = 32 << 20

// SearchIndex returns the pattern of the indices that the output writes to: what depends on the event or the day is a *.
func (out *output) SearchIndex() string {
	enc := out.enc
	if enc.stream != nil {
		if !enc.stream.routing {
			return enc.stream.name
		}
		return enc.stream.parts[0] + "-*-*" // an event may name a dataset and a namespace of its own
	}
	index := enc.index.String()
	if alias := enc.alias.Load(); alias != nil {
		index = alias.String()
	}
	return patternOf(index)
}

// patternOf puts a * where a template is filled in.
func patternOf(template string) string {
	var b strings.Builder
	for {
		before, rest, found := strings.Cut(template, "%{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, after, closed := strings.Cut(rest, "}")
		if !closed {
			return b.String() + "%{" + rest
		}
		if !strings.HasSuffix(b.String(), "*") {
			b.WriteByte('*')
		}
		template = after
	}
}

// Search sends a search over the connections of the output and returns the answer, whatever its status. It reads only, and what it meets
// changes nothing for the bulk requests: a node that fails it stays in their pool.
func (out *output) Search(ctx context.Context, index string, body []byte) (status int, answer []byte, err error) {
	if index == "" || strings.ContainsAny(index, "/\\?#\"<>|, ") || strings.HasPrefix(index, "_") {
		return 0, nil, fmt.Errorf("%q is no pattern of indices", index)
	}
	errs := []error{errors.New("no node of the cluster could be asked")}
	for _, node := range out.client.pool.URLs() {
		status, answer, err = out.client.search(ctx, node, index, body)
		if err == nil {
			return status, answer, nil
		}
		errs[0] = err
		if ctx.Err() != nil {
			break
		}
	}
	return 0, nil, errs[0]
}

// search asks one node.
func (c *client) search(ctx context.Context, node *url.URL, index string, body []byte) (status int, answer []byte, err error) {
	u := node.JoinPath(index, "_search")
	u.User = nil
	q := url.Values{"ignore_unavailable": {"true"}, "allow_no_indices": {"true"}}
	for k, v := range c.query {
		q[k] = v
	}
	u.RawQuery = q.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("the address of a node cannot be used for searches")
	}
	req.Header.Set("Content-Type", "application/json")
	if node.User != nil {
		password, _ := node.User.Password()
		req.SetBasicAuth(node.User.Username(), password)
	}
	res, err := roundTripper{c}.RoundTrip(req)
	if err != nil {
		return 0, nil, fmt.Errorf("asking %s: %w", node.Host, err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxSearchAnswer+1))
	switch {
	case err != nil:
		return 0, nil, fmt.Errorf("reading the answer of %s: %w", node.Host, err)
	case len(answer) > maxSearchAnswer:
		return 0, nil, fmt.Errorf("the answer of %s is larger than 32 MiB", node.Host)
	}
	return res.StatusCode, answer, nil
}
