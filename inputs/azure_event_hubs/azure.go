// Package azureeventhubs reads Azure Event Hubs by Kafka's protocol. How far a hub was read is committed when what became of an event is
// delivered, or safe in the persistent queue, and never before: after a crash an event comes again, but none is missing.
package azureeventhubs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/internal/codecset"
	"millrace/internal/kafkaclient"
	"millrace/internal/kafkagroup"
	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Plugin is the azure_event_hubs input.
var Plugin = plugin.DefineInput("azure_event_hubs", defaults(), New)

// What Azure recommends for clients of Kafka's protocol: it closes connections that are idle for four minutes.
const (
	maxIdle        = 3 * time.Minute
	requestTimeout = time.Minute
	sessionTimeout = 30 * time.Second
	heartbeat      = 3 * time.Second
	rebalanceLimit = time.Minute
)

// loginUser is the user that has the connection string as password.
const loginUser = "$ConnectionString"

// readHint tells what keeps a client from a hub.
const readHint = "port 9093 of the namespace has to be reachable, the hub has to be there, its policy needs the claim Listen, " +
	"and namespaces of the tier Basic do not speak Kafka's protocol: Standard is the least"

type input struct {
	env    *plugin.Env
	hubs   []*hub
	codecs codecset.Set // of the option codec, and then of hubs that have one of their own
}

// hub is one hub that is read for one consumer group.
type hub struct {
	settings
	connection *connection
	name       string
	host       string // by which the namespace knows this input
	env        *plugin.Env
	reader     kafkagroup.Reader
	codec      int // of the input's codecs
}

// New checks the options; nothing is connected to.
func New(o Options, env *plugin.Env) (plugin.Input, error) { return build(o, env, nil) }

// build is New; prepare, unless it is nil, may change how a hub is reached.
func build(o Options, env *plugin.Env, prepare func(*kafkaclient.Options)) (plugin.Input, error) {
	in := &input{env: env, codecs: codecset.Set{env.Codec()}}
	b := &builder{o: &o, in: in, seen: make(map[string]bool)}
	for option, err := range sorted(o.settings.check()) {
		b.errs = append(b.errs, plugin.OptionError(option, err))
	}
	for option, text := range sorted(o.settings.idle()) {
		env.Warn(option, "%s", text)
	}
	if o.ConfigMode == "advanced" {
		b.advanced()
	} else {
		b.basic()
	}
	b.checkCodecs()
	if o.Threads != nil && *o.Threads <= len(in.hubs) {
		b.errs = append(b.errs, plugin.Hinted(plugin.OptionError("threads", fmt.Errorf("%d threads are not more than the %d hubs, as Logstash demands", *o.Threads, len(in.hubs))),
			"leave it out: Millrace reads each hub by a connection of its own"))
	}
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	counters := kafkagroup.NewCounters(env, "azure_event_hubs")
	for _, h := range in.hubs {
		if err := h.open(in.codecs[h.codec], counters, prepare); err != nil {
			return nil, err
		}
		if len(in.codecs) > 1 {
			h.reader.Mark = func(data string) string { return codecset.Mark(h.codec, data) }
		}
	}
	return in, nil
}

// sorted walks a map in the order of its keys.
func sorted[V any](m map[string]V) func(yield func(string, V) bool) {
	return func(yield func(string, V) bool) {
		for _, k := range slices.Sorted(maps.Keys(m)) {
			if !yield(k, m[k]) {
				return
			}
		}
	}
}

// builder makes the hubs of an input and collects what is wrong.
type builder struct {
	o    *Options
	in   *input
	seen map[string]bool
	errs []error
}

func (b *builder) fail(option string, place config.Place, err error) {
	b.errs = append(b.errs, errorAt(option, place, err))
}

// basic makes the hubs of event_hub_connections.
func (b *builder) basic() {
	const option = "event_hub_connections"
	if len(b.o.Hubs) > 0 {
		b.in.env.Warn("event_hubs", `option "event_hubs" has no effect without config_mode => advanced`)
	}
	if len(b.o.Connections) == 0 {
		b.errs = append(b.errs, plugin.Hinted(plugin.OptionError(option, errors.New("there is no hub to read")),
			`write event_hub_connections => ["Endpoint=sb://…;EntityPath=HUB"], or config_mode => advanced and event_hubs`))
	}
	for _, v := range b.o.Connections {
		c, err := parseConnection(v.Str)
		if err == nil && c.hub == "" {
			err = &mistake{"EntityPath is missing in the connection string", "it names the hub: take the connection string of the hub, or add ;EntityPath=HUB to that of the namespace"}
		}
		if err != nil {
			b.fail(option, v.Place, err)
			continue
		}
		b.add(option, v.Place, &hub{settings: b.o.settings, connection: c, name: c.hub})
	}
}

// advanced makes the hubs of event_hubs.
func (b *builder) advanced() {
	const option = "event_hubs"
	if len(b.o.Connections) > 0 {
		b.in.env.Warn("event_hub_connections", `option "event_hub_connections" has no effect with config_mode => advanced: each hub of event_hubs has its event_hub_connection`)
	}
	if len(b.o.Hubs) == 0 {
		b.errs = append(b.errs, plugin.Hinted(plugin.OptionError(option, errors.New("there is no hub to read")),
			`write event_hubs => [{ "HUB" => { event_hub_connection => "Endpoint=sb://…" } }]`))
	}
	for i := range b.o.Hubs {
		e := &b.o.Hubs[i]
		place := func(name string) config.Place {
			v, _ := e.values.Get(name)
			return v.Place
		}
		for name, err := range sorted(e.check()) {
			b.fail(option, place(name), fmt.Errorf("%s: %w", name, err))
		}
		for name, text := range sorted(e.idle()) {
			b.in.env.WarnAt(place(name), "hub %q: %s", e.name, text)
		}
		h := &hub{settings: e.settings, name: e.name}
		h.inherit(&b.o.settings)
		if ref := e.Codec.ref; ref != nil {
			h.codec = len(b.in.codecs)
			b.in.codecs = append(b.in.codecs, b.in.env.CodecOf(*ref))
		}
		if err := checkHub(e.name); err != nil {
			b.fail(option, e.place, err)
		}
		c, err := parseConnection(e.Connection.Reveal())
		if err == nil && c.hub != "" && c.hub != e.name {
			err = &mistake{fmt.Sprintf("EntityPath names the hub %q, and not %q", c.hub, e.name), "leave EntityPath out, or take the connection string of that hub"}
		}
		if err != nil {
			b.fail(option, place("event_hub_connection"), err)
			continue
		}
		h.connection = c
		b.add(option, e.place, h)
	}
}

// add takes a hub, unless it is there already.
func (b *builder) add(option string, place config.Place, h *hub) {
	id := strings.Join([]string{h.connection.host, strings.ToLower(h.name), *h.ConsumerGroup}, "/")
	if b.seen[id] {
		b.fail(option, place, &mistake{fmt.Sprintf("the hub %q is read twice for the consumer group %q", h.name, *h.ConsumerGroup),
			"a group gets every event once: give one of them another consumer_group, or leave it out"})
		return
	}
	b.seen[id] = true
	h.env = b.in.env
	b.in.hubs = append(b.in.hubs, h)
}

// checkCodecs refuses codecs that do not go with hubs. What is nil was reported already.
func (b *builder) checkCodecs() {
	if len(b.in.codecs) > codecset.Max {
		b.errs = append(b.errs, plugin.OptionError("event_hubs", fmt.Errorf("more than %d hubs with a codec of their own", codecset.Max-1)))
	}
	for i, c := range b.in.codecs {
		if c == nil || c.Name != "multiline" {
			continue
		}
		option := "codec"
		if i > 0 {
			option = "event_hubs"
		}
		b.errs = append(b.errs, plugin.OptionError(option, errors.New("multiline: events of several senders come mixed, and each is settled apart; join lines before they are sent")))
	}
}

// open makes the options of the hub's client, which connects to nothing.
func (h *hub) open(codec *plugin.Codec, counters *kafkagroup.Counters, prepare func(*kafkaclient.Options)) error {
	client := kafkaclient.Defaults()
	client.BootstrapServers, client.SecurityProtocol = h.connection.address(), "SASL_SSL"
	if h.connection.emulator {
		client.SecurityProtocol = "SASL_PLAINTEXT"
	}
	client.LogIn(loginUser, h.connection.text)
	client.MetadataMaxAge, client.ConnectionsMaxIdle, client.RequestTimeout = maxIdle, maxIdle, requestTimeout
	h.host = fmt.Sprintf("millrace-%s-%s", h.env.Hostname, rand.Text()[:8])
	client.ClientID = h.host
	if prepare != nil {
		prepare(&client)
	}
	opts, err := client.Client(h.env)
	if err != nil {
		return err
	}
	opts = append(opts, kafkagroup.Consumer(*h.ConsumerGroup, *h.CheckpointInterval)...)
	opts = append(opts, kgo.ConsumeTopics(h.name), kgo.Balancers(kgo.RangeBalancer()), kgo.SessionTimeout(sessionTimeout), kgo.HeartbeatInterval(heartbeat),
		kgo.RebalanceTimeout(rebalanceLimit), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart())) // where events expired before they were read
	h.reader = kafkagroup.Reader{
		Log: throttle.New(h.env.Log, 30*time.Second), Options: opts, MaxPoll: *h.MaxBatchSize, RevokeLimit: rebalanceLimit / 2,
		CommitAtOnce: *h.CheckpointInterval == 0, Codec: codec, Source: h.source, Record: h.record, Counters: counters,
		Topic: h.name, Hint: readHint,
	}
	if *h.DecorateEvents {
		h.reader.Facts = facts
	}
	return kgo.ValidateOpts(append(opts, kgo.ConsumeStartOffset(h.start(time.Now())))...)
}

// start returns where to begin with a partition of which the group has read nothing.
func (h *hub) start(now time.Time) kgo.Offset {
	switch *h.InitialPosition {
	case "end":
		return kgo.NewOffset().AtEnd()
	case "look_back":
		return kgo.NewOffset().AfterMilli(now.Add(-*h.LookBack).UnixMilli())
	}
	return kgo.NewOffset().AtStart()
}

// Run reads all hubs until ctx ends.
func (in *input) Run(ctx context.Context, out plugin.Sink) error {
	return kafkagroup.RunAll(ctx, len(in.hubs), func(ctx context.Context, i int) error {
		h := in.hubs[i]
		return h.reader.Run(ctx, out, kgo.ConsumeStartOffset(h.start(time.Now())))
	})
}

// Codec returns the codec of the records.
func (in *input) Codec() *plugin.Codec {
	if len(in.codecs) == 1 {
		return in.codecs[0]
	}
	return in.codecs.Codec(nil)
}
