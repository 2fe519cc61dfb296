package mongodb

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"millrace/pipeline/event"
)

// idField is the key of a document.
const idField = "_id"

var errName = errors.New("a field's name holds the character NUL, which no name of MongoDB can")

// appendDocument appends e as a document. own tells that its _id is one that was made for it.
func (out *output) appendDocument(dst []byte, e *event.Event) (_ []byte, own bool, err error) {
	start, dst := bsoncore.AppendDocumentStart(dst)
	_, has := e.Root().Get(idField)
	own = out.o.GenerateID || !has
	if own {
		at := time.Now()
		if t, dated := e.Timestamp(); dated && out.o.GenerateID {
			at = t
		}
		dst = bsoncore.AppendObjectIDElement(dst, idField, bson.NewObjectIDFromTimestamp(at))
	}
	for _, f := range e.Root().Fields() {
		switch {
		case own && f.Key == idField:
			continue
		case f.Key == event.TimestampField && !out.o.ISODate && f.Val.Kind() == event.Time:
			// Logstash stores what Timestamp#to_json returns, which is a text of JSON.
			dst = bsoncore.AppendStringElement(dst, f.Key, strconv.Quote(string(event.AppendTime(nil, f.Val.Time()))))
			continue
		}
		if dst, err = appendElement(dst, f.Key, f.Val); err != nil {
			return nil, false, err
		}
	}
	dst, err = bsoncore.AppendDocumentEnd(dst, start)
	return dst, own, err
}

// appendElement appends a field. Numbers take the smallest type that holds them, as Ruby's driver writes them.
func appendElement(dst []byte, key string, v event.Value) ([]byte, error) {
	if strings.IndexByte(key, 0) >= 0 {
		return nil, errName
	}
	key = strings.ToValidUTF8(key, "\ufffd")
	switch v.Kind() {
	case event.Null:
		return bsoncore.AppendNullElement(dst, key), nil
	case event.Bool:
		return bsoncore.AppendBooleanElement(dst, key, v.Bool()), nil
	case event.Int:
		if i := v.Int(); i >= math.MinInt32 && i <= math.MaxInt32 {
			return bsoncore.AppendInt32Element(dst, key, int32(i)), nil
		}
		return bsoncore.AppendInt64Element(dst, key, v.Int()), nil
	case event.Float:
		return bsoncore.AppendDoubleElement(dst, key, v.Float()), nil
	case event.Time:
		return bsoncore.AppendDateTimeElement(dst, key, v.Time().UnixMilli()), nil
	case event.KindList:
		return appendList(dst, key, v.List())
	case event.KindObject:
		return appendObject(dst, key, v.Object())
	case event.BigInt:
		if d, err := bson.ParseDecimal128(v.Text()); err == nil {
			h, l := d.GetBytes()
			return bsoncore.AppendDecimal128Element(dst, key, h, l), nil
		}
	}
	return bsoncore.AppendStringElement(dst, key, strings.ToValidUTF8(v.Text(), "\ufffd")), nil
}

func appendList(dst []byte, key string, l *event.List) (_ []byte, err error) {
	start, dst := bsoncore.AppendArrayElementStart(dst, key)
	for i, item := range l.Items() {
		if dst, err = appendElement(dst, strconv.Itoa(i), item); err != nil {
			return nil, err
		}
	}
	return bsoncore.AppendArrayEnd(dst, start)
}

func appendObject(dst []byte, key string, o *event.Object) (_ []byte, err error) {
	start, dst := bsoncore.AppendDocumentElementStart(dst, key)
	for _, f := range o.Fields() {
		if dst, err = appendElement(dst, f.Key, f.Val); err != nil {
			return nil, err
		}
	}
	return bsoncore.AppendDocumentEnd(dst, start)
}
