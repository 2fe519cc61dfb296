package cipher

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
	"millrace/pipeline/event"
)

const text = `نص, текст, text äöü+ß, 來少精, 1234567890#$%^&*()!@;:'?.>,<=_-~}]`

func TestThereAndBack(t *testing.T) {
	f := func(options string) {
		t.Helper()
		options = `key => "1234567890123456" source => "m" target => "c" ` + options
		encrypt := filtertest.New(t, Plugin, options+` mode => "encrypt"`)
		decrypt := filtertest.New(t, Plugin, strings.ReplaceAll(options, `source => "m" target => "c"`, `source => "c" target => "d"`)+` mode => "decrypt"`)
		for range 3 {
			e := event.New(nil)
			e.Root().Set("m", event.StringValue(text))
			require.True(t, encrypt.Filter.Filter(e), options)
			c, _ := e.Root().Get("c")
			require.NotEmpty(t, c.Str(), options)
			require.NotContains(t, c.Str(), "text", options)
			require.True(t, decrypt.Filter.Filter(e), options)
			d, _ := e.Root().Get("d")
			require.Equal(t, text, d.Str(), options)
		}
	}
	for _, vector := range []string{`iv_random_length => 16`, `iv => "1234567890123456"`} {
		f(`algorithm => "aes-128-cbc" cipher_padding => 1 key_size => 16 max_cipher_reuse => 11 ` + vector)
		f(`algorithm => "AES-256-CTR" key_size => 32 key_pad => "x" ` + vector)
	}
	f(`algorithm => "aes-192-ecb" key_size => 24`)
	f(`algorithm => "des-ede3-cbc" key_size => 24 iv_random_length => 8 base64 => false`)
	f(`algorithm => "des-cbc" iv_random_length => 8`)
}

// The known answers are those of the openssl command.
func TestKnown(t *testing.T) {
	f := func(options, in, want string) {
		t.Helper()
		require.Equal(t, want, filtertest.New(t, Plugin, `key => "1234567890123456" `+options).Run(in), options)
	}
	const cbc = `algorithm => "aes-128-cbc" iv => "1234567890123456" `
	f(cbc+`mode => "encrypt"`, `{"message":"hello"}`, `{"message":"ObBxtb9plyPvM6ZEdBv6MQ=="} +`)
	f(cbc+`mode => "decrypt"`, `{"message":"ObBxtb9plyPvM6ZEdBv6MQ=="}`, `{"message":"hello"} +`)
	const failed = `,"tags":["_cipherfiltererror"]}`
	f(cbc+`mode => "decrypt"`, `{"message":"no base64!"}`, `{"message":"no base64!"`+failed)
	f(cbc+`mode => "decrypt"`, `{"message":"AAAA"}`, `{"message":"AAAA"`+failed)
	f(cbc+`mode => "decrypt"`, `{"message":"AAAAAAAAAAAAAAAAAAAAAA=="}`, `{"message":"AAAAAAAAAAAAAAAAAAAAAA=="`+failed)
	f(cbc+`mode => "encrypt" cipher_padding => 0`, `{"message":"x"}`, `{"message":"x"`+failed)
	f(cbc+`mode => "encrypt"`, `{"message":5}`, `{"message":5`+failed)
	f(cbc+`mode => "encrypt"`, `{"message":""}`, `{"message":""}`)
	f(cbc+`mode => "encrypt"`, `{}`, `{}`)
	f(`algorithm => "aes-128-cbc" iv_random_length => 16 mode => "decrypt"`, `{"message":"AAAA"}`, `{"message":"AAAA"`+failed)
}

func TestDiagnostics(t *testing.T) {
	f := func(options, want string) {
		t.Helper()
		require.Contains(t, filtertest.Diagnose(Plugin, options), want)
	}
	f(`mode => "encrypt" algorithm => "aes-128-cbc"`, `option "key" is required`)
	const key = `key => "k" mode => "encrypt" `
	f(key+`algorithm => "rot13"`, `"rot13" is not known`)
	f(key+`algorithm => "aes-128-gcm"`, `the mode "gcm" is not known`)
	f(key+`algorithm => "aes-256-cbc" iv_random_length => 16`, `the key of aes-256-cbc has 32 bytes`)
	f(key+`algorithm => "aes-128-cbc"`, `"iv_random_length" is required`)
	f(key+`algorithm => "aes-128-cbc" iv_random_length => 8`, `has 16 bytes`)
	f(key+`algorithm => "aes-128-cbc" iv => "x"`, `has 16 bytes, not 1`)
	f(key+`algorithm => "aes-128-cbc" iv => "1234567890123456"`, `obsolete`)
	f(key+`algorithm => "aes-128-cbc" iv_random_length => 16 key_pad => ""`, `must be one character`)
	f(`key => "k" algorithm => "aes-128-cbc" mode => "hide"`, `must be one of "encrypt", "decrypt"`)
}

func FuzzDecrypt(f *testing.F) {
	f.Add("ObBxtb9plyPvM6ZEdBv6MQ==")
	f.Fuzz(func(t *testing.T, text string) {
		r := filtertest.New(t, Plugin, `key => "k" mode => "decrypt" algorithm => "aes-128-cbc" iv_random_length => 16`)
		e := event.New(nil)
		e.Root().Set("message", event.StringValue(text))
		r.Filter.Filter(e)
	})
}

// What is allocated is the state of the mode.
func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, `key => "1234567890123456" algorithm => "aes-128-cbc" iv_random_length => 16 mode => "encrypt" target => "c"`, `{"message":"a line to be hidden"}`)
}
