// Package elasticsearch delivers events to Elasticsearch by bulk requests, and loses none: see package esbulk for how.
package elasticsearch

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"millrace/internal/esbulk"
	"millrace/internal/throttle"
	"millrace/internal/tlsconf"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the elasticsearch output.
var Plugin = plugin.DefineOutput("elasticsearch", defaults(), New, plugin.WithAliases("opensearch", "elasticsearch_http"), plugin.Borrowing())

// output is shared by all workers.
type output struct {
	env     *plugin.Env
	client  *client
	enc     *encoder
	sender  *esbulk.Sender
	log     *throttle.Logger
	admin   *admin
	metrics *esbulk.Metrics
}

// logEvery is how often one and the same trouble is logged.
const logEvery = 30 * time.Second

// New returns the output. It reads the files that options name and connects to nothing.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	fail := func(err error) {
		if err != nil {
			errs = append(errs, err)
		}
	}
	fail(o.adopt(env))
	nodes, err := o.nodes()
	fail(err)
	fail(o.adoptCompression(nodes))
	auth, err := o.authorization(nodes)
	fail(err)
	conf, err := o.tls().Client()
	fail(err)
	streams, err := o.useDataStream(env)
	fail(err)
	o.settle()
	fail(o.checkNumbers())
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	enc, err := newEncoder(&o, env, streams)
	if err != nil {
		return nil, err
	}
	adm, err := newAdmin(&o, env, streams, enc)
	if err != nil {
		return nil, err
	}
	c, err := newClient(&o, nodes, auth, conf, env.Version)
	if err != nil {
		return nil, err
	}
	out := &output{env: env, client: c, enc: enc, log: throttle.New(env.Log, logEvery), admin: adm, metrics: esbulk.NewMetrics(env.Counter)}
	adm.client, adm.log = c, out.log
	enc.setLine()
	out.sender = esbulk.New(out.senderConfig(&o))
	return out, nil
}

func (o *Options) tls() *tlsconf.Options {
	return &tlsconf.Options{
		Certificate: o.Certificate, Key: o.Key, Authorities: o.Authorities, Protocols: o.Protocols, CipherSuites: o.CipherSuites,
		Keystore: o.Keystore, KeystoreType: o.KeystoreType, KeystorePassword: o.KeystorePassword,
		Truststore: o.Truststore, TruststoreType: o.TruststoreType, TruststorePassword: o.TruststorePassword,
		VerificationMode: o.VerificationMode, Fingerprint: o.Fingerprint,
	}
}

func (out *output) senderConfig(o *Options) esbulk.Config {
	s := out.env.Stats
	cfg := esbulk.Config{
		Transport: out.client, Prepare: out.admin.prepare, MaxHeld: int(o.MaxHeld), MaxRequests: o.MaxRequests, MaxBody: int(o.MaxBody),
		RetryInitial: o.RetryInitialInterval, RetryMax: o.RetryMaxInterval,
		// One worker keeps the order of events; operations on one document must then arrive in that order too.
		Ordered:    out.env.Workers == 1 && (o.DocumentID != nil || out.enc.action != nil || out.enc.fixed == "update" || out.enc.fixed == "delete"),
		Idempotent: out.enc.hashed, DeadCodes: append([]int{400, 404}, o.DLQCustomCodes...), DropTypes: o.DropErrorTypes,
		SilentTypes: append(o.SilenceErrors, o.FailureLoggingWhitelist...),
		Delivered:   &s.Delivered, DeadLettered: &s.DeadLettered, Dropped: &s.Dropped, Retried: &s.Retried,
		Metrics: out.metrics, Log: out.log, Document: out.enc.document,
	}
	if out.env.DeadLetters != nil {
		cfg.DeadLetter = out.env.WriteDeadLetter
	}
	return cfg
}

// startPatience is how long Start waits to learn whether the cluster knows lifecycle policies, which decides about the index of events.
const startPatience = time.Second

// Start begins to look for the cluster, so that its absence is known before the first event.
func (out *output) Start(ctx context.Context) error {
	undecided := out.admin.ilm == "auto"
	out.sender.Start()
	if !undecided {
		return nil
	}
	select {
	case <-out.admin.decided:
	case <-time.After(startPatience):
	case <-ctx.Done():
	}
	return nil
}

// NewWriter implements plugin.Output.
func (out *output) NewWriter() plugin.Writer {
	return &writer{out: out, buf: out.sender.NewBuffer()}
}

// Close implements plugin.Output.
func (out *output) Close(ctx context.Context) error {
	left := out.sender.Close(ctx)
	out.client.close()
	if left > 0 {
		out.env.Log.Warn("events could not be delivered in time", "bytes", left)
	}
	return nil
}

// writer encodes the events of one worker.
type writer struct {
	out *output
	buf *esbulk.Buffer
	op  operation
	ids hasher
}

// Append implements plugin.Writer.
func (w *writer) Append(e *event.Event) error {
	start := len(w.buf.B)
	w.op.b = w.buf.B
	hidden, err := w.out.enc.append(&w.op, e)
	if err != nil {
		w.buf.B = w.op.b[:start]
		w.refuse(e, err)
		return err
	}
	w.buf.B = w.op.b
	if hidden != nil {
		w.buf.EndHidden(hidden)
	} else {
		w.buf.End()
	}
	if w.out.env.DeadLetters != nil && plugin.Replayed(e) {
		w.buf.Replayed()
	}
	if w.out.enc.hashed {
		w.ids.read = append(w.ids.read, e.Read())
	}
	return nil
}

// refuse dead-letters or drops an event for which no operation can be made.
func (w *writer) refuse(e *event.Event, reason error) {
	if w.out.env.Bury(reason.Error(), e.AppendJSON(nil), plugin.Replayed(e)) {
		return
	}
	w.out.metrics.NonRetryable.Add(1)
	w.out.log.Warn("events that cannot be written are dropped", slog.Any("reason", reason))
}

// Flush implements plugin.Writer.
func (w *writer) Flush(ctx context.Context, b *event.Batch) (err error) {
	if w.out.enc.hashed {
		w.ids.fill(w.buf, b)
	}
	w.buf, err = w.out.sender.Flush(ctx, w.buf, b)
	return err
}
