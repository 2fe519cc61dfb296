// Package email sends a mail for each event.
package email

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"time"

	"github.com/cbroglie/mustache"

	"millrace/internal/throttle"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the email output.
var Plugin = plugin.DefineOutput("email", Options{
	From: event.ParseTemplate("logstash.alert@example.com"), Via: "smtp", Address: "localhost", Port: 25, Domain: "localhost", VerificationMode: "full",
	ContentType: "text/html; charset=UTF-8", Retries: 3,
}, New)

type output struct {
	o        Options
	env      *plugin.Env
	template *mustache.Template // nil: there is none
	tls      *tls.Config
	log      *throttle.Logger
	pause    time.Duration // before the first repetition
	program  string        // sendmail
}

// NewWriter implements plugin.Output.
func (o *output) NewWriter() plugin.Writer { return &writer{o: o} }

// Close implements plugin.Output. Nothing is left: Flush sends.
func (o *output) Close(context.Context) error { return nil }

type writer struct {
	o     *output
	mails []*mail
}

// Append makes the mail of e.
func (w *writer) Append(e *event.Event) error {
	m, err := w.o.compose(e)
	if err != nil {
		w.o.env.Stats.Dropped.Add(1)
		w.o.log.Error("an event was dropped: it makes no mail", slog.Any("error", err))
		return err
	}
	w.mails = append(w.mails, m)
	return nil
}

// Flush sends the mails, in one session. What fails for good is dropped and counted.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	mails := w.mails
	w.mails = nil
	pause := w.o.pause
	for try := 0; len(mails) > 0; try++ {
		left, err := w.o.send(ctx, mails)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if left = w.o.refused(left, err); len(left) == 0 {
			break
		}
		if try >= w.o.o.Retries {
			w.o.env.Stats.Dropped.Add(int64(len(left)))
			w.o.log.Error("mails were dropped: they could not be sent", slog.Int("mails", len(left)), slog.Any("error", err))
			break
		}
		w.o.env.Stats.Retried.Add(int64(len(left)))
		w.o.log.Warn("a mail could not be sent; trying again", slog.Any("error", err))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
		pause *= 2
		mails = left
	}
	b.Settle()
	return nil
}

// refusal is an error that another attempt would bring too.
type refusal struct{ err error }

func (e *refusal) Error() string { return e.err.Error() }
func (e *refusal) Unwrap() error { return e.err }

// refused drops the mails if nothing but another server would take them, and returns them otherwise.
func (o *output) refused(mails []*mail, err error) []*mail {
	var r *refusal
	if len(mails) == 0 || !errors.As(err, &r) {
		return mails
	}
	o.env.Stats.Dropped.Add(int64(len(mails)))
	o.log.Error("mails were dropped: the server refuses them", slog.Int("mails", len(mails)), slog.Any("error", err))
	return nil
}

// send sends the mails and returns those that were not, with the reason.
func (o *output) send(ctx context.Context, mails []*mail) (left []*mail, err error) {
	if o.o.Via == "sendmail" {
		return o.sendmail(ctx, mails)
	}
	return o.smtp(ctx, mails)
}
