package dsl

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/internal/store/mapping"
	"millrace/internal/store/query"
)

func testContext(t testing.TB) *Context {
	t.Helper()
	m := mapping.New()
	var def map[string]any
	require.NoError(t, json.Unmarshal([]byte(`{"properties":{"t":{"type":"text"},"k":{"type":"keyword"},"n":{"type":"long"},"f":{"type":"double"},"d":{"type":"date"},"b":{"type":"boolean"},
		"ip":{"type":"ip"},"g":{"type":"geo_point"},"o":{"properties":{"k":{"type":"keyword"}}}}}`), &def))
	require.NoError(t, m.Merge(def))
	return &Context{Now: time.Date(2026, 11, 21, 12, 34, 56, 0, time.UTC), Index: "ix", Mapping: m}
}

// show writes a query in a short form.
func show(q query.Query) string {
	list := func(prefix string, qs []query.Query) string {
		var b strings.Builder
		for _, q := range qs {
			b.WriteString(prefix + show(q) + " ")
		}
		return b.String()
	}
	switch q := q.(type) {
	case query.Term:
		return q.Field + ":" + q.Term
	case query.Bool:
		s := "(" + list("+", q.Must) + list("#", q.Filter) + list("", q.Should) + list("-", q.MustNot)
		return strings.TrimSpace(s) + ")" + strings.Repeat("/", q.MinShould)
	case query.Best:
		return "best(" + strings.TrimSpace(list("", q.Queries)) + ")"
	case query.Boost:
		return fmt.Sprintf("%s^%v", show(q.Query), q.By)
	case query.Constant:
		return fmt.Sprintf("%s=%v", show(q.Query), q.Score)
	case query.NumberRange:
		return fmt.Sprintf("%s:%d..%d", q.Field, q.Min, q.Max)
	case query.Phrase:
		return fmt.Sprintf("%s:%q~%d", q.Field, q.Terms, q.Slop)
	case query.Pattern:
		return q.Field + "~" + q.Pattern
	case query.All:
		return "*"
	case query.None:
		return "none"
	case query.Exists:
		return "exists:" + q.Field
	}
	return fmt.Sprintf("%T%v", q, q)
}

func TestQueryString(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		q, err := testContext(t).QueryString(text, &StringOptions{DefaultField: "t"})
		require.NoError(t, err)
		require.Equal(t, want, show(q))
	}
	f(`a`, `t:a`)
	f(`a b`, `(t:a t:b)/`)
	f(`a AND b OR c`, `(+t:a +t:b t:c)`)
	f(`a OR b AND c`, `(+t:b +t:c t:a)`)
	f(`+a -b c`, `(+t:a t:c -t:b)`)
	f(`NOT a`, `(#* -t:a)`)
	f(`(a OR b) AND NOT c`, `(+(t:a t:b)/ -t:c)`)
	f(`k:(x y)`, `k:x y`)
	f(`k:x y`, `(k:x t:y)/`)
	f(`"a b"~2`, `t:["a" "b"]~2`)
	f(`a^2`, `t:a^2`)
	f(`n:[1 TO 5}`, `n:1..4`)
	f(`n:>=3`, `n:3..9223372036854775807`)
	f(`k:we*`, `k~we*`)
	f(`T?x`, `t~t?x`)
	f(`k:*`, `exists:k=1`)
	f(`_exists_:o`, `exists:o.k=1`)
	f(`nope:x`, `none`)
	f(`a\:b\-c`, `(t:a:b t:c)/`)
	f(``, `none`)
	all, err := testContext(t).QueryString("7", &StringOptions{})
	require.NoError(t, err)
	require.Equal(t, `best(d:7..7 k:7 n:7..7 o.k:7 t:7)`, strings.ReplaceAll(show(all), "query.Numbers{f [7]} ", ""))
}

func TestRefusedQueryStrings(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		_, err := testContext(t).QueryString(text, &StringOptions{DefaultField: "t"})
		require.ErrorContains(t, err, want)
	}
	f(`(a`, "it ends where more is expected")
	f(`a)`, "character 2 is not expected")
	f(`a~`, "a fuzzy term (~) is not supported by this store")
	f(`"a`, "a quoted text does not end")
	f(`n:[1 TO`, "a range has the form [a TO b]")
	f(`n:abc`, `For input string: "abc"`)
	f(`g:abc`, "fields of type [geo_point] are kept and not indexed by this store")
	f(`k:/a~b/`, "the operator [~] of regular expressions is not supported by this store")
	f(strings.Repeat("(", 100)+"a"+strings.Repeat(")", 100), "parentheses")
	f(strings.Repeat("a OR ", 5000)+"a", "too many clauses")
}

func TestCompile(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		var v any
		require.NoError(t, d.Decode(&v))
		q, err := testContext(t).Compile(v)
		if err != nil {
			require.Equal(t, want, "error: "+err.Error())
			return
		}
		require.Equal(t, want, show(q))
	}
	f(`{"bool":{"must_not":{"term":{"k":"x"}}}}`, `(#* -k:x)`)
	f(`{"bool":{"should":[{"term":{"k":"x"}},{"term":{"k":"y"}}],"minimum_should_match":"50%"}}`, `(k:x k:y)/`)
	f(`{"range":{"d":{"gte":"now-1h/h","lt":"now/d"}}}`, `none`)
	f(`{"range":{"d":{"gte":"now-1d/d","lt":"now/d"}}}`, `d:1795132800000..1795219199999`)
	f(`{"range":{"d":{"gt":"2026-02||/M"}}}`, `d:1772323200000..9223372036854775807`)
	f(`{"match":{"t":{"query":"a b c","minimum_should_match":2}}}`, `(t:a t:b t:c)//`)
	f(`{"term":{"n":9007199254740993}}`, `n:9007199254740993..9007199254740993`)
	f(`{"fuzzy":{"k":"x"}}`, `error: the query [fuzzy] is not supported by this store`)
	f(`{"zork":{}}`, `error: unknown query [zork]`)
	f(`{"term":{"k":{"value":"x","zork":1}}}`, `error: [term] query does not support [zork]`)
	f(`{"match":{"t":{"query":"x","fuzziness":"AUTO"}}}`, `error: [fuzziness] of the query [match] is not supported by this store`)
	f(`{"term":{"k":{"value":"x","_name":"n"}}}`, `error: [_name] of the query [term] is not supported by this store`)
}

func TestMinShould(t *testing.T) {
	f := func(spec string, n, want int) {
		t.Helper()
		require.Equal(t, want, minShould(spec, n))
	}
	f("2", 4, 2)
	f("-1", 4, 3)
	f("75%", 4, 3)
	f("-25%", 4, 3)
	f("2<75%", 2, 2)
	f("2<75%", 4, 3)
	f("2<-25% 9<-3", 10, 7)
}

func FuzzQueryString(f *testing.F) {
	for _, s := range []string{`a AND (b OR "c d"~2) -n:[1 TO *} k:w*d? /re.*/ _exists_:o ^2 \u00e9`, `n:>=1 d:[now-1d/d TO now] ip:"10.0.0.0/8"`, `* *:* k:*`, `!a && +b || c^1.5`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, o := range []StringOptions{{}, {And: true, DefaultField: "t"}} {
			q, err := testContext(t).QueryString(text, &o)
			var e *Error
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("an error without a type: %v", err)
			}
			if err == nil && q == nil {
				t.Fatal("neither a query nor an error")
			}
		}
	})
}
