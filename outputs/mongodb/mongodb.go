// Package mongodb inserts events as documents into collections of MongoDB.
package mongodb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin is the mongodb output.
var Plugin = plugin.DefineOutput("mongodb", Options{RetryDelay: 3 * time.Second, BulkSize: 900}, New)

// Options configures the output. The option codec has no effect: a document has the fields of the event. An event without _id gets one before it is sent, so
// that what is sent again after a broken connection is not stored twice. What is refused because of its key counts as dropped, as Logstash skips it; what
// is refused for another fault of its own goes to the dead letter queue.
type Options struct {
	// Connection string of the servers: mongodb://user:password@host:27017/?replicaSet=rs.
	URI config.Password `opt:"uri,required"`

	// Database to write to. It may refer to fields.
	Database event.Template `opt:"database,required"`

	// Collection to insert into. It may refer to fields.
	Collection event.Template `opt:"collection,required"`

	// Store @timestamp as a date. Else it is a text, in double quotes as Logstash writes it.
	ISODate bool `opt:"isodate"`

	// How long to wait before what failed is tried again.
	RetryDelay time.Duration `opt:"retry_delay,unit=s"`

	// Give every document an _id that begins with the time of the event, in place of its own.
	GenerateID bool `opt:"generateId"`

	// Insert at most bulk_size documents by one command. The events of a worker's turn are inserted together in any case.
	Bulk bool `opt:"bulk"`

	// How many documents one command inserts with bulk, at most 1000.
	BulkSize int `opt:"bulk_size"`

	BulkInterval float64 `opt:"bulk_interval,obsolete=it has no effect: what a worker has is inserted at the end of each of its turns"`
}

const (
	// maxBulk is the limit of bulk_size, and of a command without bulk.
	maxBulk = 1000
	// commandTimeout is how long a command may take, with finding a server, unless the connection string has timeoutMS.
	commandTimeout = time.Minute
)

// New checks the options; nothing is connected, and no name is looked up.
func New(o Options, env *plugin.Env) (plugin.Output, error) {
	var errs []error
	refuse := func(option, format string, args ...any) {
		errs = append(errs, plugin.OptionError(option, fmt.Errorf(format, args...)))
	}
	switch uri := o.URI.Reveal(); {
	case strings.HasPrefix(uri, "mongodb+srv://"): // reading it asks name servers
	case !strings.HasPrefix(uri, "mongodb://"):
		refuse("uri", "a connection string begins with mongodb:// or mongodb+srv://")
	default:
		if err := client(uri).Validate(); err != nil {
			errs = append(errs, plugin.OptionError("uri", err))
		}
	}
	for option, t := range map[string]*event.Template{"database": &o.Database, "collection": &o.Collection} {
		if t.Err() != nil {
			errs = append(errs, plugin.OptionError(option, t.Err()))
		} else if t.Static() && t.String() == "" {
			refuse(option, "a name is not empty")
		}
	}
	if o.BulkSize < 1 || o.BulkSize > maxBulk {
		refuse("bulk_size", "%d is not between 1 and %d", o.BulkSize, maxBulk)
	}
	if o.RetryDelay < 0 {
		refuse("retry_delay", "a time is not negative")
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if c := env.Codec(); c != nil && (c.Name != "plain" || !c.Bare) {
		env.Warn("codec", `option "codec" has no effect: a document has the fields of the event`)
	}
	if !o.Bulk {
		o.BulkSize = maxBulk
		env.WarnIdle("bulk_size", "bulk => true")
	}
	return &output{o: o, env: env, log: throttle.New(env.Log, 30*time.Second)}, nil
}

// client returns the options of a client.
func client(uri string) *options.ClientOptions {
	c := options.Client().SetAppName("millrace").ApplyURI(uri)
	if c.Timeout == nil {
		c.SetTimeout(commandTimeout)
	}
	return c
}

// output is shared by all workers.
type output struct {
	o   Options
	env *plugin.Env
	log *throttle.Logger

	mu     sync.Mutex // guards client
	client *mongo.Client
}

// connected returns the client, made by whoever asks first. It connects by itself, and again when a connection broke.
func (out *output) connected() (*mongo.Client, error) {
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.client == nil {
		c, err := mongo.Connect(client(out.o.URI.Reveal()))
		if err != nil {
			return nil, err
		}
		out.client = c
	}
	return out.client, nil
}

// NewWriter implements plugin.Output.
func (out *output) NewWriter() plugin.Writer { return &writer{out: out} }

// Close implements plugin.Output. Nothing is left: Flush inserts.
func (out *output) Close(ctx context.Context) error {
	out.mu.Lock()
	defer out.mu.Unlock()
	if out.client == nil {
		return nil
	}
	c := out.client
	out.client = nil
	return c.Disconnect(ctx)
}

// bury gives an event up.
func (out *output) bury(reason error, document []byte, replayed bool) {
	if !out.env.Bury(reason.Error(), document, replayed) {
		out.log.Error("events that MongoDB does not take are dropped", slog.Any("error", reason))
	}
}
