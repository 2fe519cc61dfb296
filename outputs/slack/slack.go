// Package slack posts events as messages to incoming webhooks of Slack, and of services that take the same.
package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"millrace/internal/netout"
	"millrace/internal/throttle"
	"millrace/internal/web"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the slack output.
var Plugin = plugin.DefineOutput("slack", Options{Format: event.ParseTemplate("%{message}")}, New)

// Options configures the output. The option codec has no effect: a message is what format says. An event whose field attachments is an array has that
// in place of the option attachments, also if it is empty. Messages are posted one after the other, as fast as the service allows: what it cannot take
// for the moment is posted again, what it refuses goes to the dead letter queue.
type Options struct {
	// Address of the webhook, which is secret. It may refer to fields.
	URL config.Password `opt:"url,required"`

	// Text of a message. It may refer to fields, as the options that follow.
	Format event.Template `opt:"format"`

	// Channel to post to, where the webhook allows another than its own.
	Channel *event.Template `opt:"channel"`

	// Name to post as.
	Username *event.Template `opt:"username"`

	// Emoji that is the icon, such as :simple_smile:.
	IconEmoji *event.Template `opt:"icon_emoji"`

	// Address of an image that is the icon, if icon_emoji is not given.
	IconURL *event.Template `opt:"icon_url"`

	// Attachments: an array of hashes, as Slack describes them. Texts in it may refer to fields.
	Attachments config.Value `opt:"attachments"`
}

const (
	// maxHeld is the bytes of messages that are not posted, unless one turn has more.
	maxHeld = 1 << 20
	// requestTimeout is how long an attempt may take.
	requestTimeout = time.Minute
)

// New checks the options; nothing is connected.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	out := &output{
		o: o, env: env, url: event.ParseTemplate(o.URL.Reveal()), log: throttle.New(env.Log, 30*time.Second),
		http: &http.Client{Timeout: requestTimeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: requestTimeout, ForceAttemptHTTP2: true, IdleConnTimeout: 90 * time.Second,
		}},
	}
	if err := out.check(); err != nil {
		return nil, err
	}
	if c := env.Codec(); c != nil && (c.Name != "plain" || !c.Bare) {
		env.Warn("codec", `option "codec" has no effect: a message is the text of format`)
	}
	out.box = netout.NewOutbox[turn](maxHeld, out.run)
	return out, nil
}

// check finds mistakes and compiles the attachments.
func (out *output) check() error {
	o := &out.o
	var errs []error
	if err := out.url.Err(); err != nil {
		errs = append(errs, plugin.OptionError("url", err))
	} else if u, err := url.Parse(out.url.String()); out.url.Static() && (err != nil || !address(u)) {
		errs = append(errs, plugin.OptionError("url", errAddress))
	}
	for option, t := range map[string]*event.Template{
		"format": &o.Format, "channel": o.Channel, "username": o.Username, "icon_emoji": o.IconEmoji, "icon_url": o.IconURL,
	} {
		if t != nil && t.Err() != nil {
			errs = append(errs, plugin.OptionError(option, t.Err()))
		}
	}
	list := o.Attachments
	if list.Type == config.TypeHash { // as Logstash takes a single value for an array
		list = config.Value{Type: config.TypeArray, Items: []config.Value{list}}
	}
	switch {
	case list.Type == config.Invalid:
	case list.Type != config.TypeArray:
		errs = append(errs, plugin.OptionError("attachments", fmt.Errorf("must be an array of hashes, got %s", list.Inspect())))
	case len(list.Items) > 0:
		for _, item := range list.Items {
			if item.Type != config.TypeHash {
				errs = append(errs, plugin.OptionError("attachments", fmt.Errorf("an attachment is a hash, got %s", item.Inspect())))
			}
		}
		out.attachments = web.NewTemplate(list)
	}
	return errors.Join(errs...)
}

// errAddress does not tell the address, which is secret.
var errAddress = errors.New("it is no address of a web service")

func address(u *url.URL) bool {
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// output is shared by all workers.
type output struct {
	o           Options
	env         *plugin.Env
	url         event.Template
	attachments *web.Template // nil: none
	http        *http.Client
	log         *throttle.Logger
	box         *netout.Outbox[turn]
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
	left := out.box.Close(ctx)
	out.http.CloseIdleConnections()
	if left > 0 {
		out.env.Log.Warn("events could not be delivered in time", "bytes", left)
	}
	return nil
}

// writer makes messages of the events of one worker.
type writer struct {
	out  *output
	turn *turn
}

// Append implements plugin.Writer.
func (w *writer) Append(e *event.Event) error {
	err := w.turn.add(w.out, e)
	if err != nil {
		w.out.bury(err, e.AppendJSON(nil), plugin.Replayed(e))
	}
	return err
}

// bury gives an event up.
func (out *output) bury(reason error, document []byte, replayed bool) {
	if !out.env.Bury(reason.Error(), document, replayed) {
		out.log.Error("events that cannot be posted are dropped", slog.Any("error", reason))
	}
}

// Flush implements plugin.Writer.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	t := w.turn
	if len(t.messages) == 0 {
		b.Settle()
		return nil
	}
	t.b = b
	if err := w.out.box.Hand(ctx, t, len(t.buf)); err != nil {
		t.reset()
		return err
	}
	w.turn = w.out.box.Turn()
	return nil
}
