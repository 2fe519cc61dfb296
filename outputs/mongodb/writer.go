package mongodb

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver"

	"millrace/internal/netout"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// writer inserts the events of one worker.
type writer struct {
	out  *output
	buf  []byte
	docs []document
}

// document tells where an event is in the buffer: as BSON, and as the document of a dead letter.
type document struct {
	database, collection string
	start, letter, end   int
	own                  bool // its _id was made for it
	sent                 bool // it may be stored by an attempt that ended without an answer
	replayed             bool
}

// Append implements plugin.Writer.
func (w *writer) Append(e *event.Event) error {
	d, err := w.add(e)
	if err != nil {
		w.out.bury(err, e.AppendJSON(nil), plugin.Replayed(e))
		return err
	}
	w.docs = append(w.docs, d)
	return nil
}

func (w *writer) add(e *event.Event) (d document, err error) {
	if d.database, err = w.out.o.Database.Text(e); err != nil {
		return d, err
	}
	if d.collection, err = w.out.o.Collection.Text(e); err != nil {
		return d, err
	}
	if d.database == "" || d.collection == "" {
		return d, errors.New("the name of the database or collection is empty")
	}
	d.start = len(w.buf)
	buf, own, err := w.out.appendDocument(w.buf, e)
	if err != nil {
		return d, err
	}
	d.own, d.letter = own, len(buf)
	if w.out.env.DeadLetters != nil {
		buf = e.AppendJSON(buf)
		d.replayed = plugin.Replayed(e)
	}
	d.end, w.buf = len(buf), buf
	return d, nil
}

// maxKept bounds the buffer that a worker keeps for its next turn.
const maxKept = 1 << 20

// Flush implements plugin.Writer.
func (w *writer) Flush(ctx context.Context, b *event.Batch) error {
	for _, part := range w.parts() {
		if err := w.deliver(ctx, part); err != nil {
			return err
		}
	}
	clear(w.docs)
	w.docs = w.docs[:0]
	if w.buf = w.buf[:0]; cap(w.buf) > maxKept {
		w.buf = nil
	}
	b.Settle()
	return nil
}

// parts divides the turn into what one command inserts.
func (w *writer) parts() (parts [][]*document) {
	open := make(map[[2]string]int) // the part of a collection that has room
	for i := range w.docs {
		d := &w.docs[i]
		at, ok := open[[2]string{d.database, d.collection}]
		if !ok || len(parts[at]) >= w.out.o.BulkSize {
			at = len(parts)
			open[[2]string{d.database, d.collection}] = at
			parts = append(parts, nil)
		}
		parts[at] = append(parts[at], d)
	}
	return parts
}

// leastDelay is how long the output waits before it tries again where retry_delay is nothing.
const leastDelay = 10 * time.Millisecond

// deliver inserts documents until each is stored or given up. Its error is that of ctx.
func (w *writer) deliver(ctx context.Context, docs []*document) error {
	out := w.out
	for {
		err := w.insert(ctx, docs)
		if err == nil {
			out.env.Stats.Delivered.Add(int64(len(docs)))
			return nil
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var bulk mongo.BulkWriteException
		if !errors.As(err, &bulk) {
			for _, d := range docs {
				d.sent = true // or not: of a command that the driver divides a part may have come through
			}
		}
		switch single := len(docs) == 1; {
		case len(bulk.WriteErrors) > 0 || bulk.WriteConcernError != nil:
			if docs = w.judge(docs, &bulk); len(docs) == 0 {
				return nil
			}
		case faulty(err) && single:
			w.bury(docs[0], err)
			return nil
		case faulty(err): // which of them it is the command does not tell
			half := len(docs) / 2
			if err := w.deliver(ctx, docs[:half:half]); err != nil {
				return err
			}
			docs = docs[half:]
			continue
		}
		out.env.Stats.Retried.Add(int64(len(docs)))
		out.log.Error("MongoDB did not take events; trying again", slog.Any("error", err))
		if err := netout.Pause(ctx, max(out.o.RetryDelay, leastDelay)); err != nil {
			return err
		}
	}
}

// insert sends one command, which goes on after a document that is refused.
func (w *writer) insert(ctx context.Context, docs []*document) error {
	c, err := w.out.connected()
	if err != nil {
		return err
	}
	raw := make([]any, len(docs))
	for i, d := range docs {
		raw[i] = bson.Raw(w.buf[d.start:d.letter:d.letter])
	}
	_, err = c.Database(docs[0].database).Collection(docs[0].collection).InsertMany(ctx, raw, options.InsertMany().SetOrdered(false))
	return err
}

// judge counts what became of documents by the errors that a command had with some of them, and returns those to be sent again.
func (w *writer) judge(docs []*document, bulk *mongo.BulkWriteException) (again []*document) {
	refused := make([]*mongo.WriteError, len(docs))
	for i := range bulk.WriteErrors {
		if e := &bulk.WriteErrors[i].WriteError; e.Index >= 0 && e.Index < len(docs) {
			refused[e.Index] = e
		}
	}
	for i, d := range docs {
		switch e := refused[i]; {
		case e == nil && bulk.WriteConcernError == nil, e != nil && d.stored(e):
			w.out.env.Stats.Delivered.Add(1)
		case e == nil: // it is stored, but not as safely as is asked for
			d.sent = true
			again = append(again, d)
		case duplicate(e):
			w.out.env.Stats.Dropped.Add(1)
			w.out.log.Warn("events are skipped whose key is there already", slog.String("error", e.Message))
		case slices.Contains(passing, e.Code):
			again = append(again, d)
		default:
			w.bury(d, e)
		}
	}
	return again
}

// bury gives a document up.
func (w *writer) bury(d *document, reason error) {
	w.out.bury(reason, w.buf[d.letter:d.end], d.replayed)
}

// duplicate reports whether an error is that a key is there already.
func duplicate(e *mongo.WriteError) bool { return slices.Contains([]int{11000, 11001, 12582}, e.Code) }

// stored reports whether an error says that an earlier attempt, which had no answer, stored the document.
func (d *document) stored(e *mongo.WriteError) bool {
	return duplicate(e) && d.sent && (strings.Contains(e.Message, "_id_") || !strings.Contains(e.Message, "index: "))
}

// passing are the codes of errors of a document that are no fault of it: rights, locks, space, servers that are not the primary or go away, time.
var passing = []int{
	6, 7, 13, 18, 24, 46, 50, 63, 64, 79, 83, 89, 91, 100, 112, 133, 134, 189, 202, 234, 262, 317, 358, 384, 8000, 9001, 10058, 10107, 11600, 11602, 13388,
	13435, 13436, 14031,
}

// faulty reports whether a command failed by what it was to insert, or where: what is no document, is too large, or cannot be the name of a collection.
func faulty(err error) bool {
	var e mongo.ServerError
	if errors.As(err, &e) {
		return slices.ContainsFunc([]int{2, 9, 14, 22, 52, 53, 56, 57, 73, 121, 10334, 17280, 17419, 17420}, e.HasErrorCode)
	}
	return strings.Contains(err.Error(), driver.ErrDocumentTooLarge.Error())
}
