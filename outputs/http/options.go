package http

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"millrace/internal/web"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Options configures the output.
type Options struct {
	// Address to send to. It may refer to fields, unless format is json_batch.
	URL event.Template `opt:"url,required"`

	// Method of the requests.
	Method string `opt:"http_method,enum=put|post|patch|delete|get|head"`

	// Header fields of the requests. Values may refer to fields, unless format is json_batch.
	Headers config.Map[event.Template] `opt:"headers"`

	// Type of the body. If not given that of the format: application/json, application/x-www-form-urlencoded or text/plain.
	ContentType string `opt:"content_type"`

	// What is sent: each event as JSON, the events of a batch as one JSON array (json_batch), each event's fields as a form, or the text of the
	// option message.
	Format string `opt:"format,enum=json|json_batch|form|message"`

	// What is sent of an event in place of all its fields: a hash, whose texts may refer to fields at any depth.
	Mapping config.Hash `opt:"mapping"`

	// The body with format => message. It may refer to fields.
	Message *event.Template `opt:"message"`

	// Whether a request that failed in a way that may pass is sent again, until it succeeds.
	RetryFailed bool `opt:"retry_failed"`

	// Statuses of answers that say that the request is to be sent again.
	RetryableCodes []int `opt:"retryable_codes"`

	// Statuses, beside 200 to 299, of answers that say that all is well.
	IgnorableCodes []int `opt:"ignorable_codes"`

	// Whether bodies are compressed by gzip.
	Compression bool `opt:"http_compression"`

	Verb      string `opt:"verb,obsolete=write http_method"`
	VerifySSL *bool  `opt:"verify_ssl,obsolete=write ssl_verification_mode => none in place of false"`

	web.Client
}

// contentTypes are the types of bodies by format.
var contentTypes = map[string]string{
	"json": "application/json", "json_batch": "application/json", "form": "application/x-www-form-urlencoded", "message": "text/plain",
}

var methods = []string{"put", "post", "patch", "delete", "get", "head"}

// adopt gives options of old names their place.
func (o *Options) adopt() error {
	if o.VerifySSL != nil && !*o.VerifySSL {
		o.VerificationMode = "none"
	}
	switch {
	case o.Verb == "":
	case o.Method != "":
		return plugin.OptionError("verb", errors.New("verb and http_method are the same; give one of them"))
	case !slices.Contains(methods, strings.ToLower(o.Verb)):
		return plugin.OptionError("verb", fmt.Errorf("the method %q is none of %s", o.Verb, strings.Join(methods, ", ")))
	default:
		o.Method = strings.ToLower(o.Verb)
	}
	if o.Method == "" {
		return errors.New(`option "http_method" is required`)
	}
	return nil
}

// check finds mistakes, and warns of what has no effect.
func (o *Options) check(env *plugin.Env) error {
	errs := []error{o.adopt()}
	if o.PoolMax < 1 {
		errs = append(errs, plugin.OptionError("pool_max", fmt.Errorf("%d is less than 1", o.PoolMax)))
	}
	if o.Format == "message" && o.Message == nil {
		errs = append(errs, plugin.OptionError("format", errors.New("format => message needs the option message")))
	}
	if o.Format == "message" && len(o.Mapping) > 0 {
		env.Warn("mapping", "mapping has no effect with format => message")
	}
	if o.Format != "message" && o.Message != nil {
		env.Warn("message", "message has no effect without format => message")
	}
	if o.ContentType == "" {
		o.ContentType = contentTypes[o.Format]
	}
	o.checkHeaders(env)
	if err := o.URL.Err(); err != nil {
		env.Warn("url", "every event will be dropped: %v", err)
	}
	if o.URL.Static() || o.Format == "json_batch" {
		if u, err := url.Parse(o.URL.String()); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			errs = append(errs, plugin.OptionError("url", fmt.Errorf("%q is no address of a web service", o.URL.String())))
		} else if !o.URL.Static() {
			env.Warn("url", "with format => json_batch there is one request for many events: references to fields are not resolved")
		}
	}
	return errors.Join(errs...)
}

func (o *Options) checkHeaders(env *plugin.Env) {
	for i := range o.Headers {
		h := &o.Headers[i]
		if strings.EqualFold(h.Key, "Content-Type") && h.Value.String() != o.ContentType {
			env.Warn("headers", "the %s of headers has no effect, as in Logstash: bodies are sent as %s; set content_type", h.Key, o.ContentType)
		}
		if err := h.Value.Err(); err != nil {
			env.Warn("headers", "every event will be dropped: %v", err)
		}
		if o.Format == "json_batch" && !h.Value.Static() {
			env.Warn("headers", "with format => json_batch there is one request for many events: references to fields are not resolved")
		}
	}
}
