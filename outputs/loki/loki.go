// Package loki pushes events to Grafana Loki as the lines of streams. A batch is settled when Loki has taken all of it.
package loki

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"millrace/internal/netout"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the loki output.
var Plugin = plugin.DefineOutput("loki", Options{
	BatchSize: 102400, BatchWait: time.Second, MessageField: *event.MustPath("message"), MinDelay: time.Second, MaxDelay: 300 * time.Second, Retries: 10,
}, New)

// Options configures the output. The option codec has no effect: a line is the message_field, its time @timestamp, and the labels of its stream are the
// other top-level fields, but for those whose names begin with @ and those that are hashes. An event without a text is left out and counted as dropped.
// Lines that Loki refuses are found by sending parts of what it refused; they go to the dead letter queue, as does what it could not take in all its
// attempts.
type Options struct {
	// Address to push to, with its path: http://localhost:3100/loki/api/v1/push.
	URL string `opt:"url,required"`

	// Name for basic authentication.
	Username string `opt:"username"`

	// Its password.
	Password config.Password `opt:"password"`

	// PEM file with a certificate of one's own.
	Certificate string `opt:"cert,path"`

	// PEM file with its key.
	Key string `opt:"key,path"`

	// PEM file with the authority that signed the server's certificate.
	Authority string `opt:"ca_cert,path"`

	// Trust whatever certificate the server shows.
	Insecure bool `opt:"insecure_skip_verify"`

	// Tenant that the lines are of.
	TenantID string `opt:"tenant_id"`

	// How many bytes of lines are pushed at once.
	BatchSize int `opt:"batch_size"`

	// How long a push that is not full waits for more lines.
	BatchWait time.Duration `opt:"batch_wait,unit=s"`

	// Field that is the line.
	MessageField event.Path `opt:"message_field"`

	// Fields that are labels. If empty, all that can be.
	IncludeFields []string `opt:"include_fields"`

	// Fields that are structured metadata of a line.
	MetadataFields []string `opt:"metadata_fields"`

	// How long to wait before a push is tried again. It doubles with each attempt.
	MinDelay time.Duration `opt:"min_delay,unit=s"`

	// The longest of these pauses.
	MaxDelay time.Duration `opt:"max_delay,unit=s"`

	// How often a push is tried before its lines are given up; 0 is no limit.
	Retries int `opt:"retries"`
}

// labelName is what Loki takes as the name of a label.
var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// maxHeld is the bytes of what is not pushed, unless batch_size is more.
const maxHeld = 16 << 20

// requestTimeout is how long an attempt may take.
const requestTimeout = time.Minute

// New checks the options; nothing is connected.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	errs := []error{o.check(env)}
	tc, err := o.tls(env)
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: tc, TLSHandshakeTimeout: requestTimeout, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second,
	}
	out := &output{
		o: o, env: env, log: throttle.New(env.Log, 30*time.Second),
		http: &http.Client{Timeout: requestTimeout, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // it would lose the body
		}},
		closing: make(chan struct{}),
	}
	out.box = netout.NewOutbox[turn](int64(max(maxHeld, 4*o.BatchSize)), func() { (&pusher{out: out}).run() })
	return out, nil
}

// check finds mistakes, and warns of what has no effect.
func (o *Options) check(env *plugin.Env) error {
	var errs []error
	refuse := func(option, format string, args ...any) {
		errs = append(errs, plugin.OptionError(option, fmt.Errorf(format, args...)))
	}
	if u, err := url.Parse(o.URL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		refuse("url", "%q is no address of a web service", o.URL)
	} else if u.Path == "" || u.Path == "/" {
		env.Warn("url", "the address has no path; Loki takes lines at /loki/api/v1/push")
	}
	if o.MinDelay > o.MaxDelay {
		refuse("min_delay", "min_delay is longer than max_delay")
	}
	if o.MinDelay < 0 || o.BatchWait < 0 {
		refuse("min_delay", "a time is not negative")
	}
	if o.BatchSize < 1 {
		refuse("batch_size", "%d is less than 1", o.BatchSize)
	}
	if o.Retries < 0 {
		refuse("retries", "%d is less than 0", o.Retries)
	}
	if o.Username == "" && o.Password != "" {
		env.Warn("password", `option "password" has no effect without username`)
	}
	for _, name := range o.IncludeFields {
		if !labelName.MatchString(name) {
			env.Warn("include_fields", "Loki takes no label called %q; rename the field", name)
		}
	}
	if c := env.Codec(); c != nil && (c.Name != "plain" || !c.Bare) {
		env.Warn("codec", `option "codec" has no effect: a line is the text of message_field`)
	}
	return errors.Join(errs...)
}

// output is shared by all workers.
type output struct {
	o    Options
	env  *plugin.Env
	http *http.Client
	log  *throttle.Logger

	closing chan struct{} // closed when nothing is to be waited for any more
	box     *netout.Outbox[turn]
}

// NewWriter implements plugin.Output.
func (out *output) NewWriter() plugin.Writer {
	return &writer{out: out, turn: out.box.Turn()}
}

// Close implements plugin.Output.
func (out *output) Close(ctx context.Context) error {
	if out.box.Ctx.Err() != nil {
		return nil
	}
	close(out.closing)
	left := out.box.Close(ctx)
	out.http.CloseIdleConnections()
	if left > 0 {
		out.env.Log.Warn("events could not be delivered in time", "bytes", left)
	}
	return nil
}

// writer makes lines of the events of one worker.
type writer struct {
	out  *output
	turn *turn
}

// Append implements plugin.Writer.
func (w *writer) Append(e *event.Event) error {
	if w.turn.add(w.out, e) {
		return nil
	}
	w.out.env.Stats.Dropped.Add(1)
	w.out.log.Warn("events without a text are left out", slog.String("message_field", w.out.o.MessageField.String()))
	return nil
}

// Flush implements plugin.Writer.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	t := w.turn
	if len(t.lines) == 0 {
		b.Settle()
		return nil
	}
	t.b, t.left = b, len(t.lines)
	if err := w.out.box.Hand(ctx, t, len(t.buf)); err != nil {
		t.reset()
		return err
	}
	w.turn = w.out.box.Turn()
	return nil
}
