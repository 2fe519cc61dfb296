// Package avro reads and writes records of Apache Avro: one datum each, not files of them.
package avro

import (
	"encoding/base64"
	"errors"
	"strings"

	"millrace/codecs/internal/message"
	"millrace/internal/charset"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("avro", Options{Encoding: encodingBase64, VerificationMode: "full"}, New)

// FailureTag marks what could not be decoded.
const FailureTag = "_avroparsefailure"

const (
	encodingBase64 = "base64"
	encodingBinary = "binary"
)

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// File with the schema, or its address: http, https or file. From the web it is fetched when it is first needed.
	SchemaURI string `opt:"schema_uri,required"`

	// Whether records are base64 or as they are. With base64, what comes in and is none is read as it is.
	Encoding string `opt:"encoding,enum=base64|binary"`

	// Accepted for Logstash's sake: what cannot be decoded always becomes an event with the tag _avroparsefailure. Without this option
	// Logstash loses it, or stops the input.
	TagOnFailure bool `opt:"tag_on_failure"`

	// Field below which the record's fields are put; the top level of the event if not given.
	Target event.Path `opt:"target"`

	// Address of a proxy for fetching the schema. By default that of the environment, HTTP_PROXY and HTTPS_PROXY.
	Proxy config.URI `opt:"proxy"`

	// User for fetching the schema.
	Username *string `opt:"username"`

	// Its password.
	Password *config.Password `opt:"password"`

	// Whether TLS is used, which the address says already.
	SSLEnabled *bool `opt:"ssl_enabled"`

	// File with a certificate of one's own, and its chain (PEM).
	Certificate string `opt:"ssl_certificate,path"`

	// Its private key.
	Key string `opt:"ssl_key,path"`

	// File with the certificates of authorities (PEM).
	Authorities []string `opt:"ssl_certificate_authorities"`

	// Whether the server's certificate is verified.
	VerificationMode string `opt:"ssl_verification_mode,enum=full|none"`

	// A keystore in place of ssl_certificate and ssl_key.
	Keystore string `opt:"ssl_keystore_path,path"`

	// Its password.
	KeystorePassword config.Password `opt:"ssl_keystore_password"`

	// Its kind.
	KeystoreType string `opt:"ssl_keystore_type,enum=jks|pkcs12"`

	// A truststore in place of ssl_certificate_authorities.
	Truststore string `opt:"ssl_truststore_path,path"`

	// Its password.
	TruststorePassword config.Password `opt:"ssl_truststore_password"`

	// Its kind.
	TruststoreType string `opt:"ssl_truststore_type,enum=jks|pkcs12"`

	// Cipher suites to offer.
	CipherSuites []string `opt:"ssl_cipher_suites"`

	// Versions of TLS to offer.
	Protocols []string `opt:"ssl_supported_protocols"`
}

// New returns the codec.
func New(o Options, env *plugin.Env) (*plugin.Codec, error) {
	source, err := newSource(&o)
	if err != nil {
		return nil, err
	}
	return &plugin.Codec{
		NewDecoder: func() plugin.Decoder {
			return &decoder{o: &o, schema: source, text: charset.Charset{}.NewDecoder(), original: env.ECS.Enabled()}
		},
		NewEncoder: func() plugin.Encoder { return &encoder{o: &o, schema: source} },
	}, nil
}

type decoder struct {
	o        *Options
	schema   *source
	text     *charset.Decoder
	original bool
}

// Decode implements plugin.Decoder.
func (d *decoder) Decode(r *event.Record, next func() *event.Event) {
	e := next()
	if err := d.decode(e, r.Data); err != nil {
		e.Root().Clear()
		e.Metadata().Clear()
		e.Root().Set("message", event.StringValue(d.text.Decode(e.Arena, r.Data)))
		e.Tag(FailureTag)
		return
	}
	if d.original {
		message.SetOriginal(e, d.text.Decode(e.Arena, r.Data))
	}
}

var errNoRecord = errors.New("avro: no record or map")

func (d *decoder) decode(e *event.Event, data string) error {
	s, err := d.schema.get()
	if err != nil {
		return err
	}
	if d.o.Encoding == encodingBase64 {
		if b, err := base64.StdEncoding.Strict().DecodeString(data); err == nil && !strings.ContainsAny(data, "\r\n") {
			data = e.Arena.String(b)
		}
	}
	in := reader{e: e, data: data, text: d.text}
	v, err := in.value(s, 0)
	if err != nil {
		return err
	}
	o := v.Object()
	if o == nil {
		return errNoRecord
	}
	if d.o.Target.IsZero() {
		e.SetRoot(o)
		return nil
	}
	return e.Set(&d.o.Target, event.ObjectValue(o))
}

type encoder struct {
	o      *Options
	schema *source
	binary []byte // scratch
}

// AppendEncode implements plugin.Encoder. An event that does not fit the schema is an error.
func (c *encoder) AppendEncode(dst []byte, e *event.Event) ([]byte, error) {
	s, err := c.schema.get()
	if err != nil {
		return dst, err
	}
	v := event.ObjectValue(e.Root())
	if c.o.Encoding == encodingBinary {
		out, err := appendValue(dst, s, v, 0)
		if err != nil {
			return dst, err
		}
		return out, nil
	}
	if c.binary, err = appendValue(c.binary[:0], s, v, 0); err != nil {
		return dst, err
	}
	return base64.StdEncoding.AppendEncode(dst, c.binary), nil
}
