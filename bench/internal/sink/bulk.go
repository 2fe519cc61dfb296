package sink

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"millrace/bench/internal/mark"
)

// countDocuments takes every second line for a document, as it is for all actions but delete.
func countDocuments(body []byte) int {
	n := bytes.Count(body, []byte{'\n'})
	if len(body) > 0 && body[len(body)-1] != '\n' {
		n++
	}
	return n / 2
}

// actionOf reads the first action's name; a shipper that measures itself uses one.
func actionOf(body []byte) string {
	for _, name := range []string{"create", "index", "update"} {
		if bytes.HasPrefix(body, []byte(`{"`+name+`"`)) {
			return name
		}
	}
	return "index"
}

// form is which parts of the answer the request's filter_path asks for.
type form struct{ full, status, error bool }

func formOf(rawQuery string) form {
	if !strings.Contains(rawQuery, "filter_path") {
		return form{full: true, status: true, error: true}
	}
	q, err := url.ParseQuery(rawQuery)
	if err != nil {
		return form{full: true, status: true, error: true}
	}
	var f form
	for _, p := range strings.Split(q.Get("filter_path"), ",") {
		switch {
		case p == "items" || p == "items.*" || p == "items.*.*" || p == "items.**":
			f = form{full: true, status: true, error: true}
		case strings.HasSuffix(p, ".status"):
			f.status = true
		case strings.HasPrefix(p, "items.") && strings.Contains(p, ".error"):
			f.error = true
		}
	}
	return f
}

// appendItem appends the answer for one document, or nothing where the form leaves nothing of it.
func (f form) appendItem(dst []byte, action string, status int) []byte {
	failed := status >= 300
	if !f.status && !(f.error && failed) {
		return dst
	}
	dst = append(dst, `{"`...)
	dst = append(dst, action...)
	dst = append(dst, `":{`...)
	if f.full && !failed {
		dst = append(dst, `"_index":"sink","_id":"AAAAAAAAAAAAAAAAAAAA","_version":1,"result":"created",`+
			`"_shards":{"total":1,"successful":1,"failed":0},"_seq_no":1,"_primary_term":1,`...)
	}
	if f.status {
		dst = append(dst, `"status":`...)
		dst = strconv.AppendInt(dst, int64(status), 10)
	}
	if f.error && failed {
		if f.status {
			dst = append(dst, ',')
		}
		dst = append(dst, `"error":{"type":"es_rejected_execution_exception","reason":"asked for"}`...)
	}
	return append(dst, "}},"...)
}

// writeAll answers that n documents were taken.
func (f form) writeAll(w http.ResponseWriter, action string, n int) {
	if !f.status {
		answer(w, 200, `{"errors":false}`)
		return
	}
	items := bytes.Repeat(f.appendItem(nil, action, 201), n)
	f.write(w, items, false)
}

func (f form) write(w http.ResponseWriter, items []byte, errors bool) {
	took := ""
	if f.full {
		took = `"took":1,`
	}
	body := fmt.Sprintf(`{%s"errors":%v}`, took, errors)
	if items = bytes.TrimSuffix(items, []byte{','}); len(items) > 0 {
		body = fmt.Sprintf(`{%s"errors":%v,"items":[%s]}`, took, errors, items)
	}
	answer(w, 200, body)
}

// record goes through the body document by document.
func (s *Sink) record(w http.ResponseWriter, body []byte, f form, now time.Time) {
	action := actionOf(body)
	micros := now.UnixMicro()
	var items []byte
	accepted, failed := 0, false
	// Where nothing is refused, the answer is built at once.
	itemwise := s.opts.ItemErrorRate > 0
	for rest := body; ; {
		var doc []byte
		var ok bool
		if doc, rest, ok = nextDocument(rest); !ok {
			break
		}
		if itemwise && s.strikes(s.opts.ItemErrorRate) {
			s.refusedDocuments.Add(1)
			failed = true
			items = f.appendItem(items, action, 429)
			continue
		}
		accepted++
		if itemwise {
			items = f.appendItem(items, action, 201)
		}
		if !s.opts.Record {
			continue
		}
		seq, sent, ok := mark.Find(doc)
		if !ok {
			s.unmarked.Add(1)
			continue
		}
		s.seen.add(seq)
		s.latency.Add(time.Duration(micros-sent) * time.Microsecond)
	}
	s.accept(accepted, body, now)
	if itemwise {
		f.write(w, items, failed)
	} else {
		f.writeAll(w, action, accepted)
	}
}

// nextDocument skips an action line and returns the document line after it.
func nextDocument(b []byte) (doc, rest []byte, ok bool) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return nil, nil, false
	}
	b = b[i+1:]
	if i = bytes.IndexByte(b, '\n'); i < 0 {
		return b, nil, len(b) > 0
	}
	return b[:i], b[i+1:], true
}
