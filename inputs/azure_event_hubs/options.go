package azureeventhubs

import (
	"errors"
	"fmt"
	"time"

	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Options configures the input. The namespaces are reached on port 9093, by TLS. What Kafka's protocol does not have is another than in
// Logstash: how far a hub was read is kept by the hub's namespace, for the consumer group of that name, which need not be made before, and not
// in a storage account. So the first start of Millrace reads from initial_position, whatever checkpoints Logstash left there, and
// later ones go on where the group is. Hubs of the tier Basic do not speak Kafka's protocol.
type Options struct {
	// Where hubs are named: basic, in event_hub_connections, or advanced, in event_hubs.
	ConfigMode string `opt:"config_mode,enum=basic|advanced"`

	// Connection strings of the hubs to read, each with its EntityPath, for config_mode => basic.
	Connections connections `opt:"event_hub_connections"`

	// Hubs to read, for config_mode => advanced: an array of hashes, each with the name of a hub and a hash of its options. These are
	// event_hub_connection, its connection string, codec, and all options below but threads; what is not given there counts as given for
	// all. The same hub may be read by several consumer groups.
	Hubs hubs `opt:"event_hubs"`

	// Accepted for Logstash's sake, where it has to be more than there are hubs: each hub is read by one connection here, and all cores decode.
	Threads *int `opt:"threads"`

	settings
}

// settings are the options that may be given for all hubs and for each of them. Nil is what is not given.
type settings struct {
	// Group of consumers that share the hub's partitions among them. Every Millrace that reads for the same purpose has the same.
	ConsumerGroup *string `opt:"consumer_group"`

	// Where to begin with a partition of which the group has read nothing: beginning, end, or look_back.
	InitialPosition *string `opt:"initial_position,enum=beginning|end|look_back"`

	// How far back to begin with initial_position => look_back.
	LookBack *time.Duration `opt:"initial_position_look_back,unit=s"`

	// Time between commits of what is delivered, or safe in the persistent queue; 0 commits with every batch that is.
	CheckpointInterval *time.Duration `opt:"checkpoint_interval,unit=s"`

	// Most events that are handed on at once.
	MaxBatchSize *int `opt:"max_batch_size"`

	// Whether events are told where they come from, below [@metadata][azure_event_hubs]: name, consumer_group, processor_host, partition,
	// offset, sequence, timestamp (of their arrival, in seconds) and event_size (in bytes). By Kafka's protocol offset is the same
	// number as sequence, as text, and processor_host the name by which this input is known to the namespace.
	DecorateEvents *bool `opt:"decorate_events"`

	// Accepted for Logstash's sake, with a warning: there are no checkpoints in a storage account.
	StorageConnection *config.Password `opt:"storage_connection"`
	StorageContainer  *string          `opt:"storage_container"`

	// Accepted for Logstash's sake, with a warning: what is read ahead is bounded by bytes.
	PrefetchCount *int `opt:"prefetch_count"`

	// Accepted for Logstash's sake, with a warning: events are taken as they come.
	ReceiveTimeout *time.Duration `opt:"receive_timeout,unit=s"`
}

func defaults() Options {
	return Options{ConfigMode: "basic", settings: settings{
		ConsumerGroup: new("$Default"), InitialPosition: new("beginning"), LookBack: new(24 * time.Hour), CheckpointInterval: new(5 * time.Second),
		MaxBatchSize: new(125), DecorateEvents: new(false),
	}}
}

// hubOptions are those of one hub of event_hubs.
type hubOptions struct {
	Connection *config.Password `opt:"event_hub_connection,required"`
	Codec      codec            `opt:"codec"`
	Threads    int              `opt:"threads,removed=write it beside event_hubs: it is for all of them"`
	settings
}

// codec is the option codec of a hub.
type codec struct{ ref *config.PluginRef }

// UnmarshalPlugin implements config.PluginValue.
func (c *codec) UnmarshalPlugin(p config.PluginRef) config.Diagnostics {
	c.ref = &p
	return nil
}

// connections are connection strings with their places.
type connections []config.Value

// UnmarshalOption reads an array, or one connection string.
func (c *connections) UnmarshalOption(v config.Value) error {
	*c = v.Items
	if v.Type != config.TypeArray {
		*c = connections{v}
	}
	for _, item := range *c {
		if item.Type != config.TypeString {
			return fmt.Errorf("it must be an array of connection strings, got %s in it", item.Type)
		}
	}
	return nil
}

// OptionType names the type for descriptions.
func (connections) OptionType() string { return "array of password" }

// hubs are the entries of event_hubs.
type hubs []hubEntry

type hubEntry struct {
	name string
	hubOptions
	// values are the options as they are written, for the places of mistakes.
	values config.Hash
	place  config.Place // of the name
}

// UnmarshalOption reads an array of hashes, or one hash.
func (h *hubs) UnmarshalOption(v config.Value) error {
	items := v.Items
	if v.Type != config.TypeArray {
		items = []config.Value{v}
	}
	*h = nil
	var diags config.Diagnostics
	for _, item := range items {
		if item.Type != config.TypeHash {
			return fmt.Errorf("it must be an array of hashes, each with the name of a hub and its options, got %s in it", item.Type)
		}
		for _, e := range item.Hash {
			if e.Value.Type != config.TypeHash {
				return fmt.Errorf("the hub %q must have a hash of options, got %s", e.Key, e.Value.Type)
			}
			entry := hubEntry{name: e.Key, values: e.Value.Hash, place: e.Place}
			attrs := config.NewAttributes(fmt.Sprintf("input azure_event_hubs, hub %q", e.Key), e.Place, nil)
			for _, o := range e.Value.Hash {
				attrs.Options = append(attrs.Options, config.Option{Name: o.Key, Value: o.Value, Place: o.Place})
			}
			diags = append(diags, config.Decode(attrs, &entry.hubOptions)...)
			*h = append(*h, entry)
		}
	}
	return diags.Err()
}

// OptionType names the type for descriptions.
func (hubs) OptionType() string { return "array" }

// placed is an error with its place inside an option.
type placed struct {
	err   error
	place config.Place
}

func (p *placed) Error() string            { return p.err.Error() }
func (p *placed) Unwrap() error            { return p.err }
func (p *placed) ErrorPlace() config.Place { return p.place }

// errorAt tells that err is the fault of a place in an option, with its hint if it has one.
func errorAt(option string, place config.Place, err error) error {
	placedErr := plugin.OptionError(option, &placed{err, place})
	var m *mistake
	if errors.As(err, &m) {
		return plugin.Hinted(placedErr, "%s", m.hint)
	}
	return placedErr
}

// inherit takes from all what is not given.
func (s *settings) inherit(all *settings) {
	s.ConsumerGroup, s.InitialPosition = either(s.ConsumerGroup, all.ConsumerGroup), either(s.InitialPosition, all.InitialPosition)
	s.LookBack, s.CheckpointInterval = either(s.LookBack, all.LookBack), either(s.CheckpointInterval, all.CheckpointInterval)
	s.MaxBatchSize, s.DecorateEvents = either(s.MaxBatchSize, all.MaxBatchSize), either(s.DecorateEvents, all.DecorateEvents)
}

func either[T any](own, all *T) *T {
	if own != nil {
		return own
	}
	return all
}

// check returns what is wrong by option.
func (s *settings) check() map[string]error {
	errs := make(map[string]error)
	if s.ConsumerGroup != nil && *s.ConsumerGroup == "" {
		errs["consumer_group"] = errors.New("how far a hub was read is kept by consumer group: it may not be empty")
	}
	if n := s.MaxBatchSize; n != nil && (*n < 1 || *n > 1<<20) {
		errs["max_batch_size"] = fmt.Errorf("%d is not between 1 and %d", *n, 1<<20)
	}
	if d := s.LookBack; d != nil && *d < 0 {
		errs["initial_position_look_back"] = errors.New("it has to be 0 at least")
	}
	if d := s.CheckpointInterval; d != nil && *d < 0 {
		errs["checkpoint_interval"] = errors.New("it has to be 0 at least")
	}
	return errs
}

// idle returns what has no effect, or another than in Logstash, by option.
func (s *settings) idle() map[string]string {
	idle := make(map[string]string)
	if s.StorageConnection != nil {
		idle["storage_connection"] = "the storage account is not asked: how far hubs were read is kept by their namespace, by consumer group. " +
			"The first start begins at initial_position, whatever checkpoints Logstash left"
	}
	if s.StorageContainer != nil {
		idle["storage_container"] = `option "storage_container" has no effect: there are no checkpoints in a storage account`
	}
	if s.PrefetchCount != nil {
		idle["prefetch_count"] = `option "prefetch_count" has no effect: what is read ahead is bounded by bytes`
	}
	if s.ReceiveTimeout != nil {
		idle["receive_timeout"] = `option "receive_timeout" has no effect: events are taken as they come`
	}
	if s.DecorateEvents != nil && *s.DecorateEvents {
		idle["decorate_events"] = "Kafka's protocol knows neither processor_host nor the offset in bytes: they are the name of this input's connection and the number that sequence is"
	}
	return idle
}
