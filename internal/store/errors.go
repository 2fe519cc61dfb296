package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"millrace/internal/store/dsl"
	"millrace/internal/store/mapping"
)

// object is an object of JSON.
type object = map[string]any

// apiError is an error in Elasticsearch's form.
type apiError struct {
	status      int
	typ, reason string
	index       *index // what it is about, if anything
	cause       *apiError
	more        object
}

func (e *apiError) Error() string { return e.reason }

func failure(status int, typ, format string, args ...any) *apiError {
	return &apiError{status: status, typ: typ, reason: fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) *apiError {
	return failure(http.StatusBadRequest, "illegal_argument_exception", format, args...)
}

// unsupported refuses what Elasticsearch has and this store has not.
func unsupported(format string, args ...any) *apiError {
	return badRequest(format+" is not supported by this store", args...)
}

func noSuchIndex(name string) *apiError {
	return &apiError{status: http.StatusNotFound, typ: "index_not_found_exception", reason: "no such index [" + name + "]",
		more: object{"resource.type": "index_or_alias", "resource.id": name, "index_uuid": "_na_", "index": name}}
}

// asAPIError gives any error Elasticsearch's form.
func asAPIError(err error) *apiError {
	var a *apiError
	var d *mapping.DocError
	var m *mapping.Error
	var q *dsl.Error
	switch {
	case errors.As(err, &a):
		return a
	case errors.As(err, &d):
		e := failure(http.StatusBadRequest, d.Type, "%s", d.Reason)
		if d.CauseType != "" {
			e.cause = failure(0, d.CauseType, "%s", d.Cause)
		}
		if d.CauseType2 != "" {
			e.cause.cause = failure(0, d.CauseType2, "%s", d.CauseText)
		}
		return e
	case errors.As(err, &m):
		return failure(http.StatusBadRequest, m.Type, "%s", m.Reason)
	case errors.As(err, &q):
		return failure(http.StatusBadRequest, q.Type, "%s", q.Reason)
	}
	return failure(http.StatusInternalServerError, "exception", "%s", err)
}

// body returns the error as the value of "error" in an item of a bulk answer.
func (e *apiError) body() object {
	o := object{"type": e.typ, "reason": e.reason}
	for k, v := range e.more {
		o[k] = v
	}
	if e.index != nil {
		o["index"], o["index_uuid"], o["shard"] = e.index.name, e.index.uuid, "0"
	}
	if e.cause != nil {
		o["caused_by"] = e.cause.body()
	}
	return o
}

// appendBody is body as JSON.
func (e *apiError) appendBody(dst []byte) []byte {
	b, err := json.Marshal(e.body())
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return append(dst, b...)
}

// answer returns the error as the body of an answer.
func (e *apiError) answer() object {
	o := e.body()
	root := e.body()
	delete(root, "caused_by")
	if roots, ok := e.more["root_cause"]; ok {
		o["root_cause"] = roots
	} else {
		o["root_cause"] = []any{root}
	}
	return object{"error": o, "status": e.status}
}
