package ruby

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // code asks for it
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // code asks for it
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

var hashes = map[string]func() hash.Hash{
	"MD5": md5.New, "SHA1": sha1.New, "SHA224": sha256.New224, "SHA256": sha256.New, "SHA384": sha512.New384, "SHA512": sha512.New,
}

// digestState is what a Digest object gathers.
type digestState struct {
	name string
	data []byte
}

func sumOf(name string, data []byte) []byte {
	h := hashes[name]()
	h.Write(data)
	return h.Sum(nil)
}

// digestMethods fills Digest, OpenSSL, Base64 and SecureRandom.
func digestMethods(c *core) {
	d := c.mod(c.object, "Digest")
	base := c.defineIn(d, "Base", c.object)
	base.alloc = nil
	digestInstance(base)
	for _, name := range sortedNames(hashes) {
		c.digestClass(c.defineIn(d, name, base), name)
	}
	sha2 := c.defineIn(d, "SHA2", base)
	c.digestClass(sha2, "SHA256")
	ssl := c.mod(c.object, "OpenSSL")
	od := c.defineIn(ssl, "Digest", base)
	od.sdef("new", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return &Object{class: self.(*Class), data: &digestState{name: t.digestName(a[0])}}
	})
	od.sdef("hexdigest", 2, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(hex.EncodeToString(sumOf(t.digestName(a[0]), []byte(t.text(a[1])))))
	})
	od.sdef("digest", 2, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return binaryString(sumOf(t.digestName(a[0]), []byte(t.text(a[1]))))
	})
	for _, name := range sortedNames(hashes) {
		c.digestClass(c.defineIn(od, name, od), name)
	}
	hmacMethods(c.defineIn(ssl, "HMAC", c.object))
	base64Methods(c)
	randomMethods(c)
}

func binaryString(b []byte) Value { return &String{s: string(b), enc: binaryEncoding} }

// digestName returns the name of a hash function that an argument means.
func (t *Interp) digestName(v Value) string {
	name := ""
	if o, ok := v.(*Object); ok {
		if d, ok := o.data.(*digestState); ok {
			name = d.name
		}
	} else {
		name = strings.ToUpper(strings.ReplaceAll(t.text(v), "-", ""))
	}
	if hashes[name] == nil {
		t.raise(t.core.runtimeError, "Unsupported digest algorithm (%s).", t.toS(v))
	}
	return name
}

// digestClass adds the methods of a class such as Digest::MD5.
func (c *core) digestClass(k *Class, name string) {
	k.sdef("new", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := &digestState{name: name}
		if len(a) > 0 {
			if str, ok := a[0].(*String); ok {
				s.data = []byte(str.s)
			} else {
				s.name = fmt.Sprint("SHA", t.int(a[0]))
			}
		}
		return &Object{class: self.(*Class), data: s}
	})
	k.sdef("hexdigest", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(hex.EncodeToString(sumOf(name, []byte(t.text(a[0])))))
	})
	k.sdef("digest", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return binaryString(sumOf(name, []byte(t.text(a[0]))))
	})
	k.sdef("base64digest", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(base64.StdEncoding.EncodeToString(sumOf(name, []byte(t.text(a[0])))))
	})
}

func digestInstance(k *Class) {
	state := func(v Value) *digestState { return v.(*Object).data.(*digestState) }
	k.def("update", 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		state(self).data = append(state(self).data, t.text(a[0])...)
		t.tooLong(len(state(self).data))
		return self
	})
	k.alias("update", "<<")
	data := func(t *Interp, self Value, a []Value) []byte {
		if len(a) > 0 {
			return []byte(t.text(a[0]))
		}
		return state(self).data
	}
	k.defn("hexdigest", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(hex.EncodeToString(sumOf(state(self).name, data(t, self, a))))
	})
	k.alias("hexdigest", "to_s", "inspect")
	k.defn("digest", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return binaryString(sumOf(state(self).name, data(t, self, a)))
	})
	k.defn("base64digest", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(base64.StdEncoding.EncodeToString(sumOf(state(self).name, data(t, self, a))))
	})
	k.def("reset", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { state(self).data = nil; return self })
	k.def("name", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(state(self).name) })
}

func hmacMethods(k *Class) {
	sum := func(t *Interp, a []Value) []byte {
		m := hmac.New(hashes[t.digestName(a[0])], []byte(t.text(a[1])))
		m.Write([]byte(t.text(a[2])))
		return m.Sum(nil)
	}
	k.sdef("hexdigest", 3, 3, func(t *Interp, self Value, a []Value, b *Proc) Value { return strValue(hex.EncodeToString(sum(t, a))) })
	k.sdef("digest", 3, 3, func(t *Interp, self Value, a []Value, b *Proc) Value { return binaryString(sum(t, a)) })
	k.sdef("base64digest", 3, 3, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(base64.StdEncoding.EncodeToString(sum(t, a)))
	})
}

func base64Methods(c *core) {
	m := c.mod(c.object, "Base64")
	m.sdef("encode64", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		s := base64.StdEncoding.EncodeToString([]byte(t.text(a[0])))
		var out strings.Builder
		for len(s) > 60 {
			out.WriteString(s[:60] + "\n")
			s = s[60:]
		}
		if s != "" {
			out.WriteString(s + "\n")
		}
		return strValue(out.String())
	})
	m.sdef("strict_encode64", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(base64.StdEncoding.EncodeToString([]byte(t.text(a[0]))))
	})
	m.sdef("urlsafe_encode64", 1, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		enc := base64.URLEncoding
		if v, ok := option(a, "padding"); ok && !truthy(v) {
			enc = base64.RawURLEncoding
		}
		return strValue(enc.EncodeToString([]byte(t.text(a[0]))))
	}).kw = true
	m.sdef("decode64", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return binaryString(looseBase64(t.text(a[0]))) })
	m.sdef("strict_decode64", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		d, err := base64.StdEncoding.Strict().DecodeString(t.text(a[0]))
		if err != nil || strings.ContainsAny(t.text(a[0]), "\r\n") {
			return t.argError("invalid base64")
		}
		return binaryString(d)
	})
	m.sdef("urlsafe_decode64", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		d, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(t.text(a[0]), "="))
		if err != nil {
			return t.argError("invalid base64")
		}
		return binaryString(d)
	})
}

// looseBase64 decodes what it can: other characters are skipped, and padding ends it.
func looseBase64(s string) []byte {
	var clean []byte
	for i := 0; i < len(s) && s[i] != '='; i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '+' || c == '/' {
			clean = append(clean, c)
		}
	}
	if len(clean)%4 == 1 {
		clean = clean[:len(clean)-1]
	}
	out, _ := base64.RawStdEncoding.DecodeString(string(clean)) // only letters of the alphabet are left
	return out
}

func randomMethods(c *core) {
	m := c.mod(c.object, "SecureRandom")
	bytes := func(t *Interp, a []Value) []byte {
		n := int64(16)
		if len(a) > 0 && a[0] != nil {
			n = t.int(a[0])
		}
		if n < 0 || n > maxText/4 {
			t.argError("argument too big")
		}
		b := make([]byte, n)
		_, _ = rand.Read(b) // it never fails
		return b
	}
	m.sdef("hex", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(hex.EncodeToString(bytes(t, a)))
	})
	m.sdef("random_bytes", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return binaryString(bytes(t, a)) })
	m.meta.alias("random_bytes", "bytes")
	m.sdef("base64", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(base64.StdEncoding.EncodeToString(bytes(t, a)))
	})
	m.sdef("urlsafe_base64", 0, 2, func(t *Interp, self Value, a []Value, b *Proc) Value {
		return strValue(base64.RawURLEncoding.EncodeToString(bytes(t, a)))
	})
	m.sdef("alphanumeric", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value {
		const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
		out := bytes(t, a)
		for i := range out {
			out[i] = letters[t.rand.IntN(len(letters))]
		}
		return strValue(string(out))
	})
	m.sdef("uuid", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value {
		u := bytes(t, nil)
		u[6], u[8] = u[6]&15|64, u[8]&63|128
		return strValue(fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:]))
	})
	number := func(t *Interp, self Value, a []Value, b *Proc) Value { return t.random(a) }
	m.sdef("random_number", 0, 1, number)
	m.meta.alias("random_number", "rand")
	c.random = c.define("Random", c.object)
	r := c.random
	r.defn("initialize", 0, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return nil })
	r.defn("rand", 0, 1, number)
	r.sdef("rand", 0, 1, number)
	r.sdef("new_seed", 0, 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(t.rand.Int64()) })
	r.def("seed", 0, func(t *Interp, self Value, a []Value, b *Proc) Value { return integer(0) })
	r.defn("bytes", 1, 1, func(t *Interp, self Value, a []Value, b *Proc) Value { return binaryString(bytes(t, a)) })
}
