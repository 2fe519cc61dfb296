package kafka

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"millrace/internal/kafkaclient"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Options configures the output.
type Options struct {
	kafkaclient.Options

	// Topic to write to; references to fields and dates make it the event's own.
	TopicID event.Template `opt:"topic_id,required"`

	// Key of a record: events of one key go to one partition, in their order.
	MessageKey *event.Template `opt:"message_key"`

	// Headers of a record.
	MessageHeaders config.Map[event.Template] `opt:"message_headers"`

	// When an event counts as delivered: all replicas that are in sync have it (all, which also keeps a repetition from writing it twice),
	// the leader has it (1), or it is sent (0, which loses events).
	Acks string `opt:"acks,enum=0|1|all"`

	// How batches are compressed.
	CompressionType string `opt:"compression_type,enum=none|gzip|snappy|lz4|zstd"`

	// Bytes that records without a key bring to one partition before the next one takes its turn.
	BatchSize int `opt:"batch_size"`

	// How long to wait for more events before a batch is sent.
	Linger time.Duration `opt:"linger_ms,unit=ms"`

	// Most bytes of a batch before compression, and so of an event.
	MaxRequestSize int `opt:"max_request_size"`

	// Most bytes that the output holds: waiting, in flight and to be repeated. When it is reached the pipeline waits.
	BufferMemory config.Bytes `opt:"buffer_memory"`

	// How often an event is sent again. Without this option it is sent until it is delivered; with it, what fails too often goes to the
	// dead letter queue, or is dropped and counted if there is none.
	Retries *int `opt:"retries"`

	// How the partition of a record is chosen. default: by its key, and in turns of batch_size for records without one. round_robin and
	// uniform_sticky: in turns of one record and of one batch, whatever the key.
	Partitioner string `opt:"partitioner"`

	// Accepted for Logstash's sake: without the topics of the cluster the pipeline waits, as for any trouble that may pass.
	MetadataFetchTimeout time.Duration `opt:"metadata_fetch_timeout_ms,unit=ms"`

	// Class that writes keys: StringSerializer or ByteArraySerializer, which do the same here.
	KeySerializer string `opt:"key_serializer"`

	// Class that writes values, as key_serializer: the codec makes the bytes.
	ValueSerializer string `opt:"value_serializer"`

	// How long a broker waits for the replicas that acks asks for, in place of request_timeout_ms.
	AckTimeout time.Duration `opt:"timeout_ms,unit=ms,obsolete=write request_timeout_ms"`

	// Accepted for Logstash's sake, from versions before 8.
	BlockOnBufferFull bool `opt:"block_on_buffer_full,obsolete=the pipeline waits while the buffer is full"`
	SSLOld            bool `opt:"ssl,removed=write security_protocol => SSL"`

	BrokerList      string `opt:"broker_list,removed=write bootstrap_servers"`
	Compression     string `opt:"compression_codec,removed=write compression_type"`
	RequiredAcks    string `opt:"request_required_acks,removed=write acks"`
	ProducerType    string `opt:"producer_type,obsolete=events are always sent in batches"`
	MaxRetries      int    `opt:"message_send_max_retries,obsolete=write retries"`
	SerializerClass string `opt:"serializer_class,obsolete=write a codec"`
}

const serialization = "org.apache.kafka.common.serialization."

func defaults() Options {
	return Options{
		Options: kafkaclient.Defaults(), Acks: "1", CompressionType: "none", BatchSize: 16_384, Linger: 5 * time.Millisecond, MaxRequestSize: 1 << 20,
		BufferMemory: 32 << 20, MetadataFetchTimeout: time.Minute, KeySerializer: serialization + "StringSerializer",
		ValueSerializer: serialization + "StringSerializer",
	}
}

// producer returns the client's options for producing. Its errors name options.
func (o *Options) producer(env *plugin.Env) ([]kgo.Opt, error) {
	opts, err := o.Client(env)
	errs := []error{err}
	fail := func(option string, err error) {
		if err != nil {
			errs = append(errs, plugin.OptionError(option, err))
		}
	}
	partitioner, err := o.partitioner()
	fail("partitioner", err)
	fail("key_serializer", serializer(o.KeySerializer))
	fail("value_serializer", serializer(o.ValueSerializer))
	if o.MaxRequestSize < 512 || o.MaxRequestSize > 1<<30 {
		fail("max_request_size", fmt.Errorf("%d is not between 512 and %d", o.MaxRequestSize, 1<<30))
	}
	if o.BatchSize < 0 {
		fail("batch_size", errors.New("a size is not negative"))
	}
	if o.Linger < 0 || o.Linger > time.Minute {
		fail("linger_ms", errors.New("it has to be a minute at most"))
	}
	if o.BufferMemory < 1<<16 {
		fail("buffer_memory", errors.New("it has to be 64 KiB at least"))
	}
	if r := o.Retries; r != nil {
		if *r < 0 {
			fail("retries", errors.New("a number of attempts is not negative"))
		} else if env.DeadLetters == nil {
			env.Warn("retries", "events that were sent %d times in vain are dropped and counted, as the dead letter queue is off; without this option they are sent until they are delivered", *r+1)
		}
	}
	fail("topic_id", o.checkTopic())
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	ackTimeout := o.AckTimeout
	if ackTimeout <= 0 {
		ackTimeout = o.RequestTimeout
	}
	opts = append(opts, kgo.RecordPartitioner(partitioner), kgo.ProducerLinger(o.Linger), kgo.ProducerBatchMaxBytes(int32(o.MaxRequestSize)),
		kgo.BrokerMaxWriteBytes(int32(max(100<<20, o.MaxRequestSize))), kgo.ProducerBatchCompression(compression(o.CompressionType)...),
		// What the output holds is bounded by its own gate, which a pipeline that ends can leave.
		kgo.MaxBufferedRecords(1<<30), kgo.AllowAutoTopicCreation(), kgo.ProduceRequestTimeout(max(ackTimeout, 100*time.Millisecond)))
	switch o.Acks {
	case "0":
		opts = append(opts, kgo.RequiredAcks(kgo.NoAck()), kgo.DisableIdempotentWrite())
	case "1":
		opts = append(opts, kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
	default:
		opts = append(opts, kgo.RequiredAcks(kgo.AllISRAcks()))
	}
	if o.Retries != nil {
		opts = append(opts, kgo.RecordRetries(*o.Retries), kgo.UnknownTopicRetries(*o.Retries))
	} else {
		opts = append(opts, kgo.UnknownTopicRetries(-1))
	}
	return opts, kgo.ValidateOpts(opts...)
}

func compression(name string) []kgo.CompressionCodec {
	switch name {
	case "gzip":
		return []kgo.CompressionCodec{kgo.GzipCompression()}
	case "snappy":
		return []kgo.CompressionCodec{kgo.SnappyCompression()}
	case "lz4":
		return []kgo.CompressionCodec{kgo.Lz4Compression()}
	case "zstd":
		return []kgo.CompressionCodec{kgo.ZstdCompression()}
	}
	return []kgo.CompressionCodec{kgo.NoCompression()}
}

// partitioner reads the option; keys are hashed as Java's producers do.
func (o *Options) partitioner() (kgo.Partitioner, error) {
	name := o.Partitioner
	name = strings.TrimPrefix(strings.TrimPrefix(name, "org.apache.kafka.clients.producer."), "internals.")
	switch name {
	case "", "default", "DefaultPartitioner":
		return kgo.UniformBytesPartitioner(max(o.BatchSize, 1), true, true, nil), nil
	case "round_robin", "RoundRobinPartitioner":
		return kgo.RoundRobinPartitioner(), nil
	case "uniform_sticky", "UniformStickyPartitioner":
		return kgo.StickyPartitioner(), nil
	}
	return nil, fmt.Errorf("%q is none of default, round_robin, uniform_sticky: there are no Java classes here", o.Partitioner)
}

func serializer(class string) error {
	switch strings.TrimPrefix(class, serialization) {
	case "StringSerializer", "ByteArraySerializer":
		return nil
	}
	return fmt.Errorf("there is no %q: StringSerializer or ByteArraySerializer of %s; the codec makes the rest", class, strings.TrimSuffix(serialization, "."))
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

func validTopic(name string) bool { return name != "." && name != ".." && topicName.MatchString(name) }

// checkTopic checks a name that is the same for all events.
func (o *Options) checkTopic() error {
	if err := o.TopicID.Err(); err != nil {
		return err
	}
	if o.TopicID.Static() && !validTopic(o.TopicID.String()) {
		return fmt.Errorf("no topic can be called %q", o.TopicID.String())
	}
	return nil
}
