package ruby

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// headerOf returns the headers of a request or an answer.
func headerOf(v Value) http.Header {
	switch d := v.(*Object).data.(type) {
	case *httpRequest:
		return d.header
	case *httpReply:
		return d.header
	}
	panic("BUG: headers of something else")
}

// httpHeaders fills Net::HTTPHeader, which requests and answers have.
func httpHeaders(k *Class) {
	get := func(v Value, name string) Value {
		if l := headerOf(v).Values(name); len(l) > 0 {
			return strValue(strings.Join(l, ", "))
		}
		return nil
	}
	k.def("[]", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return get(self, t.toS(a[0])) })
	k.def("[]=", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if a[1] == nil {
			headerOf(self).Del(t.toS(a[0]))
		} else {
			headerOf(self).Set(t.toS(a[0]), t.toS(a[1]))
		}
		return a[1]
	})
	k.def("add_field", 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		headerOf(self).Add(t.toS(a[0]), t.toS(a[1]))
		return nil
	})
	k.def("delete", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { headerOf(self).Del(t.toS(a[0])); return nil })
	k.def("key?", 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return get(self, t.toS(a[0])) != nil })
	k.defn("fetch", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if v := get(self, t.toS(a[0])); v != nil {
			return v
		}
		return t.fetchMissing(self, a, b)
	})
	k.def("get_fields", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if l := headerOf(self).Values(t.toS(a[0])); len(l) > 0 {
			return stringArray(l)
		}
		return nil
	})
	k.def("to_hash", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		h := newHash()
		for _, name := range sortedNames(headerOf(self)) {
			h.set(t, strValue(strings.ToLower(name)), stringArray(headerOf(self)[name]))
		}
		return h
	})
	k.each("each_header", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		for _, name := range sortedNames(headerOf(self)) {
			t.yieldPair(b, strValue(strings.ToLower(name)), get(self, name))
		}
		return self
	})
	k.alias("each_header", "each")
	k.def("content_type", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		v, _, _ := strings.Cut(headerOf(self).Get("Content-Type"), ";")
		if v == "" {
			return nil
		}
		return strValue(strings.TrimSpace(v))
	})
	k.def("content_length", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if n, ok := plainInt(headerOf(self).Get("Content-Length")); ok {
			return integer(n)
		}
		return nil
	})
	k.defn("content_type=", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		headerOf(self).Set("Content-Type", t.toS(a[0]))
		return a[0]
	})
	k.alias("content_type=", "set_content_type")
	basic := func(name, header string) {
		k.def(name, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
			headerOf(self).Set(header, "Basic "+base64.StdEncoding.EncodeToString([]byte(t.toS(a[0])+":"+t.toS(a[1]))))
			return nil
		})
	}
	basic("basic_auth", "Authorization")
	basic("proxy_basic_auth", "Proxy-Authorization")
}

// httpRequests makes Net::HTTP::Get and its like.
func (c *core) httpRequests(n, k, headers *Class) {
	base := c.defineIn(n, "HTTPRequest", c.object)
	base.includes = []*Class{headers}
	base.alloc = func(t *Interp, k *Class) Value {
		return &Object{class: k, data: &httpRequest{path: "/", header: http.Header{}}}
	}
	of := func(v Value) *httpRequest { return v.(*Object).data.(*httpRequest) }
	base.defn("initialize", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		r := of(self)
		if o, ok := a[0].(*Object); ok && t.isA(o, t.core.uriGeneric) {
			r.uri, r.path = o, t.toS(t.send(o, "request_uri"))
		} else {
			r.path = t.text(a[0])
		}
		if len(a) > 1 {
			t.addHeaders(r, a[1])
		}
		return nil
	})
	base.def("path", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(of(self).path) })
	base.def("uri", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return of(self).uri })
	base.def("body", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if s := of(self).body; s != nil {
			return s
		}
		return nil
	})
	base.def("body=", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		of(self).body = nil
		if a[0] != nil {
			of(self).body = str(t.text(a[0]))
		}
		return a[0]
	})
	base.defn("set_form_data", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		of(self).body = str(t.encodeForm(a[0]))
		of(self).header.Set("Content-Type", "application/x-www-form-urlencoded")
		return nil
	})
	base.alias("set_form_data", "form_data=")
	for _, name := range []string{"Get", "Head", "Post", "Put", "Patch", "Delete", "Options"} {
		c.defineIn(k, name, base).def("method", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
			return strValue(strings.ToUpper(name))
		})
	}
}

// replyNames are the classes of answers that code names; others are of the class of their hundred.
var replyNames = map[int]string{
	200: "OK", 201: "Created", 202: "Accepted", 204: "NoContent", 301: "MovedPermanently", 302: "Found", 303: "SeeOther", 304: "NotModified", 307: "TemporaryRedirect",
	308: "PermanentRedirect", 400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed", 408: "RequestTimeout", 409: "Conflict",
	410: "Gone", 422: "UnprocessableEntity", 429: "TooManyRequests", 500: "InternalServerError", 502: "BadGateway", 503: "ServiceUnavailable", 504: "GatewayTimeout",
}

var replyHundreds = [...]string{1: "Information", 2: "Success", 3: "Redirection", 4: "ClientError", 5: "ServerError"}

func (c *core) replyClass(code int) *Class {
	n := c.object.consts["Net"].(*Class)
	if name, ok := replyNames[code]; ok {
		return n.consts["HTTP"+name].(*Class)
	}
	if h := code / 100; h > 0 && h < len(replyHundreds) {
		return n.consts["HTTP"+replyHundreds[h]].(*Class)
	}
	return n.consts["HTTPUnknownResponse"].(*Class)
}

func (c *core) httpReplies(n, headers *Class) {
	k := c.defineIn(n, "HTTPResponse", c.object)
	k.alloc = nil
	k.includes = []*Class{headers}
	c.defineIn(n, "HTTPUnknownResponse", k)
	for _, name := range replyHundreds[1:] {
		c.defineIn(n, "HTTP"+name, k)
	}
	for code, name := range replyNames {
		c.defineIn(n, "HTTP"+name, n.consts["HTTP"+replyHundreds[code/100]].(*Class))
	}
	of := func(v Value) *httpReply { return v.(*Object).data.(*httpReply) }
	k.def("code", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(itoa(of(self).code)) })
	k.def("message", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(http.StatusText(of(self).code)) })
	k.alias("message", "msg")
	k.def("body", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return of(self).body })
	k.alias("body", "read_body", "entity")
	k.def("header", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return self })
	k.def("http_version", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue("1.1") })
	k.def("value", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		if r := of(self); r.code/100 != 2 {
			return t.raise(t.core.httpError, "%d %q", r.code, http.StatusText(r.code))
		}
		return nil
	})
	k.def("inspect", 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		r := of(self)
		return strValue("#<" + t.className(self) + " " + itoa(r.code) + " " + http.StatusText(r.code) + " readbody=true>")
	})
}
