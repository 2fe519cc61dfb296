// Package cipher encrypts and decrypts fields.
package cipher

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/internal/throttle"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the filter.
var Plugin = plugin.DefineFilter("cipher", Options{
	Source: *event.MustPath("message"), Target: *event.MustPath("message"), Base64: true, KeySize: 16, KeyPad: "\x00", MaxCipherReuse: 1,
}, New)

// Options configures the filter. An event that cannot be encrypted or decrypted stays as it is, tagged _cipherfiltererror.
type Options struct {
	// Field that holds the text.
	Source event.Path `opt:"source"`

	// Field for the result.
	Target event.Path `opt:"target"`

	// Whether what is encrypted is written in base64.
	Base64 bool `opt:"base64"`

	// The key. It is cut, or filled up with key_pad, to key_size.
	Key config.Password `opt:"key,required"`

	// Bytes that the algorithm's key has: 16, 24 or 32 for AES.
	KeySize int `opt:"key_size"`

	// Character to fill the key up with.
	KeyPad string `opt:"key_pad"`

	// Algorithm as OpenSSL calls it: aes-128-cbc, aes-256-ctr, des-ede3-cbc. There are aes-128, aes-192, aes-256, des and des-ede3 with cbc, ctr and
	// ecb.
	Algorithm string `opt:"algorithm,required"`

	// What to do.
	Mode string `opt:"mode,required,enum=encrypt|decrypt"`

	// Whether texts are filled up to whole blocks (1) or have to be whole blocks (0).
	CipherPadding *string `opt:"cipher_padding,enum=0|1"`

	// Length of the random vector that each text gets, and has in front once it is encrypted: that of the algorithm's blocks.
	IVRandomLength *int `opt:"iv_random_length"`

	IV config.Password `opt:"iv,obsolete=one vector for all texts shows which of them are equal; use iv_random_length"`

	MaxCipherReuse int `opt:"max_cipher_reuse,deprecated=ciphers are set up anew for each event at no cost"`
}

const failureTag = "_cipherfiltererror"

type filter struct {
	o     Options
	block cipher.Block
	mode  string
	iv    []byte // if it is the same for all
	pad   bool
	stats *plugin.Stats
	log   *throttle.Logger
}

// worker is the filter of one worker.
type worker struct {
	*filter
	buf []byte
}

// New checks the algorithm and the key.
func New(o Options, env *plugin.Env) (plugin.Filter, error) {
	f := &filter{o: o, pad: o.CipherPadding == nil || *o.CipherPadding != "0", stats: env.Stats, log: throttle.New(env.Log, time.Minute)}
	kind, mode, keySize, err := algorithm(o.Algorithm)
	if err != nil {
		return nil, plugin.OptionError("algorithm", err)
	}
	f.mode = mode
	if f.mode == "ctr" {
		f.pad = false
	}
	if o.KeySize < keySize {
		return nil, plugin.OptionError("key_size", fmt.Errorf("the key of %s has %d bytes", o.Algorithm, keySize))
	}
	if len(o.KeyPad) != 1 {
		return nil, plugin.OptionError("key_pad", errors.New("must be one character"))
	}
	key := o.Key.Reveal()
	key = (key + strings.Repeat(o.KeyPad, max(keySize-len(key), 0)))[:keySize]
	switch kind {
	case "aes":
		f.block, err = aes.NewCipher([]byte(key))
	case "des":
		f.block, err = des.NewCipher([]byte(key))
	default:
		f.block, err = des.NewTripleDESCipher([]byte(key))
	}
	if err != nil {
		return nil, plugin.OptionError("key", err)
	}
	return f, f.setIV()
}

// algorithm takes OpenSSL's name of one apart.
func algorithm(name string) (kind, mode string, keySize int, err error) {
	name = strings.ToLower(name)
	cut := strings.LastIndexByte(name, '-')
	kind, mode = name[:max(cut, 0)], name[cut+1:]
	switch kind {
	case "aes-128":
		kind, keySize = "aes", 16
	case "aes-192":
		kind, keySize = "aes", 24
	case "aes-256":
		kind, keySize = "aes", 32
	case "des":
		keySize = 8
	case "des-ede3":
		keySize = 24
	default:
		return "", "", 0, fmt.Errorf("%q is not known: there are aes-128, aes-192, aes-256, des and des-ede3, each with -cbc, -ctr and -ecb", name)
	}
	if mode != "cbc" && mode != "ctr" && mode != "ecb" {
		return "", "", 0, fmt.Errorf("the mode %q is not known: there are cbc, ctr and ecb", mode)
	}
	return kind, mode, keySize, nil
}

// setIV checks where the vector comes from.
func (f *filter) setIV() error {
	size := f.block.BlockSize()
	switch n, iv := f.o.IVRandomLength, f.o.IV.Reveal(); {
	case f.mode == "ecb":
	case n != nil && *n != size:
		return plugin.OptionError("iv_random_length", fmt.Errorf("the vector of %s has %d bytes", f.o.Algorithm, size))
	case n != nil:
	case iv == "":
		return errors.New(`option "iv_random_length" is required`)
	case len(iv) != size:
		return plugin.OptionError("iv", fmt.Errorf("the vector of %s has %d bytes, not %d", f.o.Algorithm, size, len(iv)))
	default:
		f.iv = []byte(iv)
	}
	return nil
}

// ForWorker returns the filter for one worker.
func (f *filter) ForWorker() plugin.Filter { return &worker{filter: f} }

// Filter works on one event. The pipeline calls the filters of ForWorker instead.
func (f *filter) Filter(e *event.Event) bool { return f.ForWorker().Filter(e) }

// Filter encrypts or decrypts the source.
func (w *worker) Filter(e *event.Event) bool {
	v, _ := e.Get(&w.o.Source)
	if v.IsNull() || v.Kind() == event.String && v.Str() == "" {
		return false
	}
	err := errors.New("the source is no text")
	if v.Kind() == event.String {
		var result string
		if w.o.Mode == "encrypt" {
			result, err = w.encrypt(e.Arena, v.Str())
		} else {
			result, err = w.decrypt(e.Arena, v.Str())
		}
		if err == nil {
			err = e.Set(&w.o.Target, event.StringValue(result))
		}
	}
	if err == nil {
		return true
	}
	w.stats.Failures.Add(1)
	e.Tag(failureTag)
	w.log.Warn("a text could not be "+w.o.Mode+"ed", slog.String("source", w.o.Source.String()), slog.Any("error", err))
	return false
}

func (w *worker) encrypt(a *event.Arena, text string) (string, error) {
	size := w.block.BlockSize()
	iv, out := w.iv, w.buf[:0]
	if w.random() {
		out = append(out, make([]byte, size)...)
		_, _ = rand.Read(out) // never fails
	}
	front := len(out)
	out = append(out, text...)
	if w.pad {
		n := size - len(text)%size
		for range n {
			out = append(out, byte(n))
		}
	}
	w.buf = out
	if front > 0 {
		iv = out[:front]
	}
	if err := w.crypt(out[front:], iv, true); err != nil {
		return "", err
	}
	if w.o.Base64 {
		return a.Take(base64.StdEncoding.AppendEncode(a.Free(), out)), nil
	}
	return a.String(out), nil
}

// random tells whether each text has a vector of its own, in front of it.
func (f *filter) random() bool { return f.o.IVRandomLength != nil && f.mode != "ecb" }

func (w *worker) decrypt(a *event.Arena, text string) (string, error) {
	data := append(w.buf[:0], text...)
	w.buf = data
	if w.o.Base64 {
		n, err := base64.StdEncoding.Strict().Decode(data, data)
		if err != nil {
			return "", fmt.Errorf("decoding base64: %w", err)
		}
		data = data[:n]
	}
	iv := w.iv
	if w.random() {
		size := w.block.BlockSize()
		if len(data) < size {
			return "", errors.New("the text is shorter than its vector")
		}
		iv, data = data[:size], data[size:]
	}
	if err := w.crypt(data, iv, false); err != nil {
		return "", err
	}
	if w.pad {
		n := 0
		if len(data) > 0 {
			n = int(data[len(data)-1])
		}
		if n == 0 || n > w.block.BlockSize() || n > len(data) {
			return "", errors.New("the text was encrypted with another key, or is damaged")
		}
		for _, c := range data[len(data)-n:] {
			if int(c) != n {
				return "", errors.New("the text was encrypted with another key, or is damaged")
			}
		}
		data = data[:len(data)-n]
	}
	if !utf8.Valid(data) {
		return strings.ToValidUTF8(string(data), "\ufffd"), nil
	}
	return a.String(data), nil
}

// crypt encrypts or decrypts in place.
func (f *filter) crypt(data, iv []byte, encrypt bool) error {
	size := f.block.BlockSize()
	if f.mode == "ctr" {
		cipher.NewCTR(f.block, iv).XORKeyStream(data, data)
		return nil
	}
	if len(data)%size != 0 {
		return fmt.Errorf("%d bytes are no whole blocks of %d", len(data), size)
	}
	switch {
	case f.mode == "cbc" && encrypt:
		cipher.NewCBCEncrypter(f.block, iv).CryptBlocks(data, data)
	case f.mode == "cbc":
		cipher.NewCBCDecrypter(f.block, iv).CryptBlocks(data, data)
	default:
		for ; len(data) > 0; data = data[size:] {
			if encrypt {
				f.block.Encrypt(data, data)
			} else {
				f.block.Decrypt(data, data)
			}
		}
	}
	return nil
}

var _ plugin.PerWorker = (*filter)(nil)
