package tld

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/filters/internal/filtertest"
)

func TestFilter(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if want != "" {
			want = `,"tld":{` + want + `}} +`
		} else {
			want = "}"
		}
		require.Equal(t, `{"message":`+in+want, filtertest.New(t, Plugin, ``).Run(`{"message":`+in+`}`))
	}
	f(`"www.google.com"`, `"tld":"com","sld":"google","trd":"www","domain":"google.com","subdomain":"www.google.com","top_level_domain":"com"`)
	f(`"a.b.Example.CO.UK."`, `"tld":"co.uk","sld":"example","trd":"a.b","domain":"example.co.uk","subdomain":"a.b.example.co.uk","top_level_domain":"co.uk"`)
	f(`" example.com "`, `"tld":"com","sld":"example","trd":null,"domain":"example.com","subdomain":null,"top_level_domain":"com"`)
	f(`"com"`, ``)
	f(`"host.invalidtld"`, ``)
	f(`"localhost"`, ``)
	f(`""`, ``)
	f(`".com"`, ``)
	f(`"a..com"`, ``)
	f(`5`, ``)
	g := func(options, in, want string) {
		t.Helper()
		require.Contains(t, filtertest.New(t, Plugin, options).Run(in), want)
	}
	g(``, `{"message":"example.blogspot.com"}`, `"tld":{"tld":"blogspot.com","sld":"example","trd":null,"domain":"example.blogspot.com","subdomain":null,`)
	g(`ignore_private => true`, `{"message":"example.blogspot.com"}`, `"tld":{"tld":"com","sld":"blogspot","trd":"example","domain":"blogspot.com","subdomain":"example.blogspot.com",`)
	g(`ignore_private => true`, `{"message":"x.s3.amazonaws.com"}`, `"tld":{"tld":"com","sld":"amazonaws","trd":"x.s3",`)
	g(`ignore_private => true`, `{"message":"a.example.co.uk"}`, `"tld":{"tld":"co.uk","sld":"example","trd":"a",`)
	g(``, `{"message":"example.com","tld":{"x":1}}`, `"tld":{"x":1,"tld":"com",`)
	r := filtertest.New(t, Plugin, `source => "[a][b]" target => "[a][c]"`)
	require.Equal(t, `{"a":{"b":"example.com","c":{"tld":"com","sld":"example","trd":null,"domain":"example.com","subdomain":null,"top_level_domain":"com"}}} +`, r.Run(`{"a":{"b":"example.com"}}`))
	require.Equal(t, `{"message":"example.com","tld":"x","tags":["_filter_error"]}`, filtertest.New(t, Plugin, `target => "[tld][x]"`).Run(`{"message":"example.com","tld":"x"}`))
}

// One allocation is the library's, which looks whether the name is an address.
func BenchmarkFilter(b *testing.B) {
	filtertest.Bench(b, Plugin, ``, `{"message":"www.example.co.uk"}`)
}
