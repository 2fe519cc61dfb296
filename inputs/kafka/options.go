package kafka

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/internal/kafkaclient"
	"millrace/internal/kafkagroup"
	"millrace/pipeline/config"
	"millrace/pipeline/plugin"
)

// Options configures the input.
type Options struct {
	kafkaclient.Options

	// Topics to read.
	Topics []string `opt:"topics"`

	// Regular expression for whole names of topics to read, also of those that are made later; topics is ignored then.
	TopicsPattern string `opt:"topics_pattern"`

	// Group of consumers that share the topics' partitions among them.
	GroupID string `opt:"group_id"`

	// Name of this member of the group, by which it gets its partitions back when it restarts within session_timeout_ms. With several
	// consumer_threads a number is added.
	GroupInstanceID string `opt:"group_instance_id"`

	// How the group spreads partitions: classic (its members do) or consumer (the brokers do, from Kafka 4 on).
	GroupProtocol string `opt:"group_protocol,enum=classic|consumer"`

	// How many members of the group to be; more than there are partitions stay idle. Decoding and filters use all cores with one already.
	ConsumerThreads int `opt:"consumer_threads"`

	// Where to begin with a partition of which the group has read nothing: earliest, latest (the default) or none, which is an error.
	AutoOffsetReset string `opt:"auto_offset_reset"`

	// Whether offsets are committed every auto_commit_interval_ms, or whenever a batch is delivered. Either way only what is delivered is
	// committed, or what is safe in the persistent queue.
	EnableAutoCommit bool `opt:"enable_auto_commit"`

	// Time between commits.
	AutoCommitInterval time.Duration `opt:"auto_commit_interval_ms,unit=ms"`

	// What events are told of their record, below [@metadata][kafka]: basic (topic, partition, offset, consumer_group, key, timestamp),
	// extended (headers too) or none.
	DecorateEvents string `opt:"decorate_events,enum=none|basic|extended|false|true"`

	// Class that tells what values are; see key_deserializer_class.
	ValueDeserializer string `opt:"value_deserializer_class"`

	// Class that tells what keys are: one of those in org.apache.kafka.common.serialization for String, ByteArray, Bytes, ByteBuffer,
	// Short, Integer, Long, Float, Double and UUID. All become text.
	KeyDeserializer string `opt:"key_deserializer_class"`

	// Most records that are handed on at once.
	MaxPollRecords int `opt:"max_poll_records"`

	// Most time that this member may take to let go of partitions in a rebalance.
	MaxPollInterval time.Duration `opt:"max_poll_interval_ms,unit=ms"`

	// Accepted for Logstash's sake: records are taken as they come.
	PollTimeout time.Duration `opt:"poll_timeout_ms,unit=ms"`

	// How long the group waits for signs of life of a member before it gives its partitions to others.
	SessionTimeout time.Duration `opt:"session_timeout_ms,unit=ms"`

	// Time between signs of life.
	HeartbeatInterval time.Duration `opt:"heartbeat_interval_ms,unit=ms"`

	// How members spread partitions: range, round_robin, sticky or cooperative_sticky, or the names of Java's classes, with commas
	// between several. By default range, then cooperative_sticky.
	AssignmentStrategy string `opt:"partition_assignment_strategy"`

	// Whether records of transactions that are not committed are read.
	IsolationLevel string `opt:"isolation_level,enum=read_uncommitted|read_committed"`

	// Most and least bytes of a broker's answer, most bytes of one partition in it, and how long a broker waits for the least.
	FetchMaxBytes          int           `opt:"fetch_max_bytes"`
	FetchMinBytes          int           `opt:"fetch_min_bytes"`
	MaxPartitionFetchBytes int           `opt:"max_partition_fetch_bytes"`
	FetchMaxWait           time.Duration `opt:"fetch_max_wait_ms,unit=ms"`

	// Whether records' checksums are verified.
	CheckCRCs bool `opt:"check_crcs"`

	// Rack of this machine: replicas in it are read first.
	ClientRack string `opt:"client_rack"`

	// Whether brokers may create topics that are missing.
	AutoCreateTopics bool `opt:"auto_create_topics"`

	// Accepted for Logstash's sake: topics_pattern never matches internal topics.
	ExcludeInternalTopics string `opt:"exclude_internal_topics"`

	oldOptions
	registryOptions
}

// oldOptions are those of the plugin for Kafka before 0.9.
type oldOptions struct {
	ZKConnect       string `opt:"zk_connect,removed=brokers are asked, not ZooKeeper: write bootstrap_servers"`
	TopicID         string `opt:"topic_id,removed=write topics"`
	WhiteList       string `opt:"white_list,removed=write topics_pattern"`
	BlackList       string `opt:"black_list,removed=write topics_pattern"`
	ResetBeginning  bool   `opt:"reset_beginning,removed=write auto_offset_reset, and a new group_id"`
	RebalanceMax    int    `opt:"rebalance_max_retries,obsolete=rebalances are tried until they succeed"`
	RebalancePause  int    `opt:"rebalance_backoff_ms,obsolete=write retry_backoff_ms"`
	QueueSize       int    `opt:"queue_size,obsolete=the pipeline's queue bounds what is held"`
	ConsumerTimeout int    `opt:"consumer_timeout_ms,obsolete=records are taken as they come"`
	ConsumerRestart bool   `opt:"consumer_restart_on_error,obsolete=what can be tried again is"`
	RestartSleep    int    `opt:"consumer_restart_sleep_ms,obsolete=write reconnect_backoff_ms"`
	ConsumerID      string `opt:"consumer_id,obsolete=brokers name the members of a group; write group_instance_id or client_id"`
	FetchMessageMax int    `opt:"fetch_message_max_bytes,obsolete=write max_partition_fetch_bytes"`
	DecoderClass    string `opt:"decoder_class,obsolete=write value_deserializer_class, and a codec"`
	KeyDecoderClass string `opt:"key_decoder_class,obsolete=write key_deserializer_class"`
	SSLOld          bool   `opt:"ssl,removed=write security_protocol => SSL"`
}

// registryOptions are of a schema registry, which names the schema of a record by a number before it.
type registryOptions struct {
	// Schema registries are not asked: with this option the configuration is refused. Have JSON written to the topic, or Avro without the
	// five bytes that a registry's serializer puts before it, for codec => avro { schema_uri => "…" encoding => binary }.
	RegistryURL string `opt:"schema_registry_url"`

	// Of a schema registry; they have no effect.
	RegistryKey                string          `opt:"schema_registry_key"`
	RegistrySecret             config.Password `opt:"schema_registry_secret"`
	RegistryProxy              string          `opt:"schema_registry_proxy"`
	RegistryKeystore           string          `opt:"schema_registry_ssl_keystore_location"`
	RegistryKeystorePassword   config.Password `opt:"schema_registry_ssl_keystore_password"`
	RegistryKeystoreType       string          `opt:"schema_registry_ssl_keystore_type"`
	RegistryTruststore         string          `opt:"schema_registry_ssl_truststore_location"`
	RegistryTruststorePassword config.Password `opt:"schema_registry_ssl_truststore_password"`
	RegistryTruststoreType     string          `opt:"schema_registry_ssl_truststore_type"`
	RegistryValidation         string          `opt:"schema_registry_validation"`
}

// check refuses a registry, and tells of options that have no effect without one.
func (o *registryOptions) check(env *plugin.Env) error {
	if o.RegistryURL != "" {
		return plugin.Hinted(plugin.OptionError("schema_registry_url", errors.New("schema registries are not asked")),
			"have JSON written to the topic, or Avro without the five bytes of a registry before it, for codec => avro { schema_uri => \"...\" encoding => binary }")
	}
	for option, value := range map[string]string{
		"schema_registry_key": o.RegistryKey, "schema_registry_secret": o.RegistrySecret.Reveal(), "schema_registry_proxy": o.RegistryProxy,
		"schema_registry_ssl_keystore_location": o.RegistryKeystore, "schema_registry_ssl_keystore_password": o.RegistryKeystorePassword.Reveal(),
		"schema_registry_ssl_keystore_type": o.RegistryKeystoreType, "schema_registry_ssl_truststore_location": o.RegistryTruststore,
		"schema_registry_ssl_truststore_password": o.RegistryTruststorePassword.Reveal(), "schema_registry_ssl_truststore_type": o.RegistryTruststoreType,
		"schema_registry_validation": o.RegistryValidation,
	} {
		if value != "" {
			env.Warn(option, "option %q has no effect: Millrace does not ask schema registries", option)
		}
	}
	return nil
}

func defaults() Options {
	return Options{
		Options: kafkaclient.Defaults(), Topics: []string{"logstash"}, GroupID: "logstash", GroupProtocol: "classic", ConsumerThreads: 1,
		EnableAutoCommit: true, AutoCommitInterval: 5 * time.Second, DecorateEvents: "none",
		ValueDeserializer: serialization + "StringDeserializer", KeyDeserializer: serialization + "StringDeserializer",
		MaxPollRecords: 500, MaxPollInterval: 5 * time.Minute, PollTimeout: 100 * time.Millisecond, SessionTimeout: 10 * time.Second,
		HeartbeatInterval: 3 * time.Second, IsolationLevel: "read_uncommitted", FetchMaxBytes: 50 << 20, FetchMinBytes: 1,
		MaxPartitionFetchBytes: 1 << 20, FetchMaxWait: 500 * time.Millisecond, CheckCRCs: true, AutoCreateTopics: true,
	}
}

// consumer returns the client's options for consuming. Its errors name options.
func (o *Options) consumer(env *plugin.Env) ([]kgo.Opt, error) {
	opts, err := o.Client(env)
	errs := []error{err}
	fail := func(option string, err error) {
		if err != nil {
			errs = append(errs, plugin.OptionError(option, err))
		}
	}
	for _, n := range []struct {
		option string
		value  int
		least  int
	}{
		{"consumer_threads", o.ConsumerThreads, 1}, {"max_poll_records", o.MaxPollRecords, 1}, {"fetch_max_bytes", o.FetchMaxBytes, 1},
		{"fetch_min_bytes", o.FetchMinBytes, 0}, {"max_partition_fetch_bytes", o.MaxPartitionFetchBytes, 1},
	} {
		if n.value < n.least || n.value > 1<<30 {
			fail(n.option, fmt.Errorf("%d is not between %d and %d", n.value, n.least, 1<<30))
		}
	}
	if o.GroupID == "" {
		fail("group_id", errors.New("offsets are kept by group: it may not be empty"))
	}
	if o.HeartbeatInterval >= o.SessionTimeout {
		fail("heartbeat_interval_ms", errors.New("it has to be less than session_timeout_ms"))
	}
	topics, err := o.topics()
	errs = append(errs, err, o.check(env))
	opts = append(opts, topics...)
	start, err := o.start()
	fail("auto_offset_reset", err)
	balancers, err := balancers(o.AssignmentStrategy)
	fail("partition_assignment_strategy", err)
	if o.GroupProtocol == "consumer" {
		balancers = []kgo.GroupBalancer{kgo.RangeBalancer()}
		opts = append(opts, kgo.ServerSideBalancer())
	}
	opts = append(opts, kafkagroup.Consumer(o.GroupID, o.AutoCommitInterval)...)
	opts = append(opts, kgo.ConsumeResetOffset(start), kgo.Balancers(balancers...), kgo.SessionTimeout(o.SessionTimeout),
		kgo.RebalanceTimeout(o.MaxPollInterval), kgo.HeartbeatInterval(o.HeartbeatInterval), kgo.FetchMaxBytes(int32(o.FetchMaxBytes)),
		kgo.FetchMinBytes(int32(o.FetchMinBytes)), kgo.FetchMaxPartitionBytes(int32(o.MaxPartitionFetchBytes)),
		kgo.FetchMaxWait(max(o.FetchMaxWait, 10*time.Millisecond)), kgo.Rack(o.ClientRack), kgo.BrokerMaxReadBytes(int32(max(100<<20, 2*min(o.FetchMaxBytes, 1<<29)))))
	if o.IsolationLevel == "read_committed" {
		opts = append(opts, kgo.FetchIsolationLevel(kgo.ReadCommitted()))
	}
	if !o.CheckCRCs {
		opts = append(opts, kgo.DisableFetchCRCValidation())
	}
	if o.AutoCreateTopics {
		opts = append(opts, kgo.AllowAutoTopicCreation())
	}
	if o.ExcludeInternalTopics == "false" {
		env.Warn("exclude_internal_topics", "topics_pattern never matches internal topics; name one in topics to read it")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return opts, kgo.ValidateOpts(opts...)
}

// topics returns what to subscribe to.
func (o *Options) topics() ([]kgo.Opt, error) {
	if o.TopicsPattern != "" {
		whole := "^(?:" + o.TopicsPattern + ")$"
		if _, err := regexp.Compile(whole); err != nil {
			return nil, plugin.OptionError("topics_pattern", fmt.Errorf("it has to be a regular expression without look-around and back-references: %w", err))
		}
		return []kgo.Opt{kgo.ConsumeRegex(), kgo.ConsumeTopics(whole)}, nil
	}
	if len(o.Topics) == 0 {
		return nil, plugin.OptionError("topics", errors.New("there is no topic to read"))
	}
	for _, t := range o.Topics {
		if !topicName.MatchString(t) || t == "." || t == ".." {
			return nil, plugin.OptionError("topics", fmt.Errorf("no topic can be called %q", t))
		}
	}
	return []kgo.Opt{kgo.ConsumeTopics(o.Topics...)}, nil
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// start returns where to begin.
func (o *Options) start() (kgo.Offset, error) {
	switch o.AutoOffsetReset {
	case "", "latest":
		return kgo.NewOffset().AtEnd(), nil
	case "earliest":
		return kgo.NewOffset().AtStart(), nil
	case "none":
		return kgo.NoResetOffset(), nil
	}
	return kgo.Offset{}, fmt.Errorf("%q is none of earliest, latest, none", o.AutoOffsetReset)
}

// balancers reads partition_assignment_strategy. The default is that of Java's consumers, with whom a group may be shared.
func balancers(strategy string) ([]kgo.GroupBalancer, error) {
	if strategy == "" {
		return []kgo.GroupBalancer{kgo.RangeBalancer(), kgo.CooperativeStickyBalancer()}, nil
	}
	var all []kgo.GroupBalancer
	for s := range strings.SplitSeq(strategy, ",") {
		s = strings.TrimSpace(s)
		switch strings.TrimPrefix(s, "org.apache.kafka.clients.consumer.") {
		case "range", "RangeAssignor":
			all = append(all, kgo.RangeBalancer())
		case "round_robin", "RoundRobinAssignor":
			all = append(all, kgo.RoundRobinBalancer())
		case "sticky", "StickyAssignor":
			all = append(all, kgo.StickyBalancer())
		case "cooperative_sticky", "CooperativeStickyAssignor":
			all = append(all, kgo.CooperativeStickyBalancer())
		default:
			return nil, fmt.Errorf("%q is none of range, round_robin, sticky, cooperative_sticky", s)
		}
	}
	return all, nil
}
