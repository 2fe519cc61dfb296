package mongodb

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"millrace/internal/faultproxy"
	"millrace/internal/outputtest"
	"millrace/internal/testenv"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

var server testenv.SharedMongo

func TestMain(m *testing.M) { os.Exit(server.Run(m)) }

// reader connects to the server, for a test and its database.
func reader(t *testing.T, s *testenv.MongoServer, database string) *mongo.Database {
	t.Helper()
	c, err := mongo.Connect(options.Client().ApplyURI(s.URI))
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Disconnect(context.Background()) })
	return c.Database(database)
}

// stored returns the documents of a collection as extended JSON, without _id, in the order of n.
func stored(t *testing.T, c *mongo.Collection) (docs []string) {
	t.Helper()
	cur, err := c.Find(t.Context(), bson.D{}, options.Find().SetSort(bson.D{{Key: "n", Value: 1}}))
	require.NoError(t, err)
	var all []bson.D
	require.NoError(t, cur.All(t.Context(), &all))
	for _, d := range all {
		var rest bson.D
		for _, e := range d {
			if e.Key != "_id" {
				rest = append(rest, e)
			}
		}
		text, err := bson.MarshalExtJSON(rest, false, false)
		require.NoError(t, err)
		docs = append(docs, string(text))
	}
	return docs
}

func open(t testing.TB, uri, database, conf string) *outputtest.Output {
	t.Helper()
	return outputtest.New(t, Plugin, fmt.Sprintf(`uri => %q database => %q `, uri, database)+conf)
}

func numbered(first, n int) (docs []string) {
	for i := first; i < first+n; i++ {
		docs = append(docs, fmt.Sprintf(`{"n":%d,"app":"a%d"}`, i, i%3))
	}
	return docs
}

func TestInserts(t *testing.T) {
	s := server.Get(t)
	db := reader(t, s, "inserts")
	for _, conf := range []string{"", "bulk => true", "bulk => true bulk_size => 7", "generateId => true"} {
		require.NoError(t, db.Drop(t.Context()))
		o := open(t, s.URI, "inserts", `collection => "c-%{app}" `+conf)
		o.Write(t, numbered(0, 30)...)
		o.Write(t, numbered(30, 30)...)
		require.EqualValues(t, 60, o.Env.Stats.Delivered.Load(), conf)
		docs := stored(t, db.Collection("c-a1"))
		require.Len(t, docs, 20, conf)
		require.JSONEq(t, `{"n":58,"app":"a1"}`, docs[19])
	}
}

// TestTypes: what becomes of values, read from what is sent.
func TestTypes(t *testing.T) {
	f := func(conf, doc, want string) {
		t.Helper()
		o := open(t, "mongodb://localhost", "d", `collection => "c" `+conf)
		raw, own, err := o.Output.(*output).appendDocument(nil, outputtest.Event(t, doc))
		require.NoError(t, err)
		var d bson.D
		require.NoError(t, bson.Unmarshal(raw, &d))
		if own {
			require.Equal(t, "_id", d[0].Key)
			d = d[1:]
		}
		text, err := bson.MarshalExtJSON(d, true, false)
		require.NoError(t, err)
		require.JSONEq(t, want, string(text))
	}
	const at = `"@timestamp":"2024-01-02T03:04:05.678Z"`
	f(``, `{`+at+`}`, `{"@timestamp":"\"2024-01-02T03:04:05.678Z\""}`)
	f(`isodate => true`, `{`+at+`}`, `{"@timestamp":{"$date":{"$numberLong":"1704164645678"}}}`)
	f(``, `{"i":1,"l":3000000000,"f":1.5,"b":true,"no":null,"s":"ü","big":123456789012345678901234567890}`,
		`{"i":{"$numberInt":"1"},"l":{"$numberLong":"3000000000"},"f":{"$numberDouble":"1.5"},"b":true,"no":null,"s":"ü",
		"big":{"$numberDecimal":"123456789012345678901234567890"}}`)
	f(``, `{"o":{"a":{"b":[1,"x",{"c":[]}]}},"a.b":1,"$d":2}`,
		`{"o":{"a":{"b":[{"$numberInt":"1"},"x",{"c":[]}]}},"a.b":{"$numberInt":"1"},"$d":{"$numberInt":"2"}}`)
	f(``, `{"_id":"own"}`, `{"_id":"own"}`)
	f(`generateId => true`, `{"_id":"own","a":"b"}`, `{"a":"b"}`)
}

// An _id that is made begins with the time of the event, with generateId.
func TestGeneratedID(t *testing.T) {
	o := open(t, "mongodb://localhost", "d", `collection => "c" generateId => true`)
	raw, _, err := o.Output.(*output).appendDocument(nil, outputtest.Event(t, `{"@timestamp":"2024-01-02T03:04:05.678Z"}`))
	require.NoError(t, err)
	id := bson.Raw(raw).Lookup("_id").ObjectID()
	require.Equal(t, "2024-01-02T03:04:05Z", id.Timestamp().UTC().Format(time.RFC3339))
}

// letters is a dead letter queue.
type letters struct{ docs, reasons []string }

func (l *letters) Write(d plugin.DeadLetter) error {
	l.docs, l.reasons = append(l.docs, string(d.Document)), append(l.reasons, d.Reason)
	return nil
}

// A key that is there already is skipped, and the other documents of the turn are stored.
func TestDuplicates(t *testing.T) {
	s := server.Get(t)
	db := reader(t, s, "duplicates")
	o := open(t, s.URI, "duplicates", `collection => "c"`)
	o.Write(t, `{"_id":1,"n":1}`, `{"_id":2,"n":2}`)
	o.Write(t, `{"_id":3,"n":3}`, `{"_id":2,"n":20}`, `{"_id":4,"n":4}`)
	require.Equal(t, []string{`{"n":1}`, `{"n":2}`, `{"n":3}`, `{"n":4}`}, stored(t, db.Collection("c")))
	require.EqualValues(t, 4, o.Env.Stats.Delivered.Load())
	require.EqualValues(t, 1, o.Env.Stats.Dropped.Load())
	require.Zero(t, o.Env.Stats.Retried.Load())
}

// What cannot be stored becomes a dead letter, and the rest of the turn is stored.
func TestRefused(t *testing.T) {
	s := server.Get(t)
	db := reader(t, s, "refused")
	o := open(t, s.URI, "refused", `collection => "%{c}" retry_delay => 0`)
	dead := new(letters)
	o.Env.DeadLetters = dead
	large := fmt.Sprintf(`{"n":3,"c":"x","text":%q}`, strings.Repeat("x", 48<<20))
	require.Len(t, o.Append(t, `{"n":1,"c":"x"}`, `{"n":2,"c":"x","a\u0000b":1}`, `{"n":2,"c":""}`, large, `{"n":4,"c":"x"}`, `{"n":5,"c":"$x"}`), 2)
	_, err := o.Flush(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, len(dead.docs), "%q", dead.reasons)
	require.Contains(t, dead.reasons[0], "NUL")
	require.Contains(t, dead.reasons[2], "too large")
	require.Equal(t, `{"n":5,"c":"$x"}`, dead.docs[3])
	require.Equal(t, []string{`{"n":1,"c":"x"}`, `{"n":4,"c":"x"}`}, stored(t, db.Collection("x")))
	require.EqualValues(t, 2, o.Env.Stats.Delivered.Load())
}

// Connections that break in the middle cost no event, and store none twice.
func TestConservation(t *testing.T) {
	s := server.Get(t)
	db := reader(t, s, "conservation")
	p := faultproxy.New(t, faultproxy.Config{Target: s.Addr(), Raw: true})
	o := open(t, "mongodb://"+p.Addr()+"/?directConnection=true&retryWrites=false", "conservation", `collection => "c" retry_delay => 0 bulk => true bulk_size => 50`)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for last := int64(0); ; {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
			}
			if n := o.Env.Stats.Delivered.Load(); n >= last+450 {
				last = n
				p.Disconnect()
			}
		}
	}()
	for i := range 10 {
		o.Write(t, numbered(i*200, 200)...)
	}
	close(stop)
	<-done
	require.EqualValues(t, 2000, o.Env.Stats.Delivered.Load())
	require.Positive(t, o.Env.Stats.Retried.Load())
	n, err := db.Collection("c").CountDocuments(t.Context(), bson.D{})
	require.NoError(t, err)
	require.EqualValues(t, 2000, n)
}

// A document that was stored by an attempt without an answer is delivered, not skipped.
func TestStoredBefore(t *testing.T) {
	s := server.Get(t)
	db := reader(t, s, "before")
	o := open(t, s.URI, "before", `collection => "c"`)
	w := o.NewWriter().(*writer)
	require.NoError(t, w.Append(outputtest.Event(t, `{"n":1}`)))
	docs := []*document{&w.docs[0]}
	require.NoError(t, w.insert(t.Context(), docs))
	docs[0].sent = true
	require.NoError(t, w.deliver(t.Context(), docs))
	require.EqualValues(t, 1, o.Env.Stats.Delivered.Load())
	require.Zero(t, o.Env.Stats.Dropped.Load())
	require.Len(t, stored(t, db.Collection("c")), 1)
}

// While the server is away nothing is settled, and what was not stored is when it is back.
func TestServerThatGoesAway(t *testing.T) {
	s := server.Get(t)
	p := faultproxy.New(t, faultproxy.Config{Target: s.Addr(), Raw: true})
	p.Set(faultproxy.Faults{Refuse: true})
	o := open(t, "mongodb://"+p.Addr()+"/?directConnection=true&serverSelectionTimeoutMS=50", "away", `collection => "c" retry_delay => 0`)
	require.Empty(t, o.Append(t, `{"n":1}`))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	b := &event.Batch{Done: func(*event.Batch) { t.Error("a batch was settled that was not delivered") }}
	b.Expect(1)
	require.ErrorIs(t, o.FlushBatch(ctx, b), context.DeadlineExceeded)
	p.Clear()
	settled, err := o.Flush(t.Context())
	require.NoError(t, err)
	require.True(t, settled)
	require.EqualValues(t, 1, o.Env.Stats.Delivered.Load())
	require.Positive(t, o.Env.Stats.Retried.Load())
}

func TestOptions(t *testing.T) {
	refused := func(conf, want string) { t.Helper(); outputtest.Refused(t, Plugin, conf, want) }
	warned := func(conf, want string) { t.Helper(); outputtest.Warned(t, Plugin, conf, want) }
	const least = `uri => "mongodb://localhost" database => "d" collection => "c" `
	refused(``, `option "uri" is required`)
	refused(``, `option "database" is required`)
	refused(``, `option "collection" is required`)
	refused(`uri => "localhost" database => "d" collection => "c"`, "begins with mongodb://")
	refused(`uri => "mongodb://h/?maxPoolSize=x" database => "d" collection => "c"`, "maxPoolSize")
	refused(`uri => "mongodb://h" database => "d" collection => ""`, "a name is not empty")
	refused(least+`bulk => true bulk_size => 1001`, "not between 1 and 1000")
	warned(least+`bulk_size => 10`, `no effect without bulk => true`)
	warned(least+`bulk_interval => 10`, "it has no effect")
	warned(least+`codec => json`, `option "codec" has no effect`)
	outputtest.New(t, Plugin, `uri => "mongodb+srv://none.invalid/" database => "d" collection => "c"`)
}

func BenchmarkAppend(b *testing.B) {
	o := open(b, "mongodb://localhost", "d", `collection => "c"`)
	w := o.NewWriter().(*writer)
	e := outputtest.Event(b, `{"@timestamp":"2024-01-02T03:04:05.678Z","message":"hello","n":1,"host":{"name":"web1"}}`)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Append(e); err != nil {
			b.Fatal(err)
		}
		if len(w.docs) == 125 {
			w.docs, w.buf = w.docs[:0], w.buf[:0]
		}
	}
}

// FuzzDocument: whatever an event holds, what is sent of it is a document.
func FuzzDocument(f *testing.F) {
	for _, doc := range []string{`{"a":[1,{"b":null}],"_id":{}}`, `{"":"","a\u0000":1}`, `{"n":1e400,"big":99999999999999999999999999999999999999999,"s":"\ud800"}`} {
		f.Add(doc)
	}
	o := open(f, "mongodb://localhost", "d", `collection => "c"`).Output.(*output)
	f.Fuzz(func(t *testing.T, doc string) {
		e := event.New(nil)
		v, _, _, err := e.ParseJSON(doc)
		if err != nil || v.Object() == nil || e.SetFields(v.Object()) != nil {
			return
		}
		raw, _, err := o.appendDocument(nil, e)
		if err != nil {
			require.ErrorIs(t, err, errName)
			return
		}
		require.NoError(t, bson.Raw(raw).Validate())
	})
}
