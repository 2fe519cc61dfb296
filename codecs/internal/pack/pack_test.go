package pack

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vmihailenco/msgpack/v5"

	"millrace/pipeline/event"
)

func read(t testing.TB, data string) (string, error) {
	t.Helper()
	e := event.New(nil)
	r := Reader{Data: data}
	v, err := r.Value(e)
	if err == nil && r.Data != "" {
		err = fmt.Errorf("%d bytes left", len(r.Data))
	}
	return string(v.AppendJSON(nil)), err
}

func TestReadsWhatTheModuleWrites(t *testing.T) {
	f := func(v any, want string) {
		t.Helper()
		data, err := msgpack.Marshal(v)
		require.NoError(t, err)
		got, err := read(t, string(data))
		require.NoError(t, err, "% x", data)
		require.Equal(t, want, got)
	}
	f(nil, "null")
	f(true, "true")
	f(false, "false")
	f(1.5, "1.5")
	f(float32(0.5), "0.5")
	for _, n := range []int64{0, 1, 127, 128, 255, 256, 65535, 65536, 1 << 31, 1 << 32, math.MaxInt64, -1, -32, -33, -128, -129, -32768, -32769, -1 << 31, -1<<31 - 1, math.MinInt64} {
		f(n, fmt.Sprint(n))
		require.Equal(t, fmt.Sprint(n), must(read(t, string(AppendInt(nil, n)))))
	}
	f(uint64(math.MaxUint64), "18446744073709551615")
	for _, n := range []int{0, 31, 32, 255, 256, 65535, 65536} {
		s := strings.Repeat("x", n)
		f(s, `"`+s+`"`)
		f([]byte(s), `"`+s+`"`)
	}
	f([]int{1, 2}, "[1,2]")
	f(make([]int8, 16), "[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]")
	f(map[string]any{"a": map[string]any{"b": []any{nil}}}, `{"a":{"b":[null]}}`)
	f(map[int]string{5: "x"}, `{"5":"x"}`)
	f("caf\xe9", `"caf`+"\uFFFD"+`"`)
}

func must(s string, err error) string {
	if err != nil {
		return err.Error()
	}
	return s
}

func TestWritesWhatTheModuleReads(t *testing.T) {
	e := event.New(nil)
	doc := `{"s":"` + strings.Repeat("é", 200) + `","i":-5,"f":1.5,"l":[1,null,true,[]],"o":{"a":{}},"big":18446744073709551615,"long":"` + strings.Repeat("x", 70000) + `"}`
	v, _, _, err := e.ParseJSON(doc)
	require.NoError(t, err)
	data := AppendValue(nil, v)
	var m map[string]any
	require.NoError(t, msgpack.Unmarshal(data, &m))
	require.EqualValues(t, -5, m["i"])
	require.EqualValues(t, uint64(math.MaxUint64), m["big"])
	require.Len(t, m["long"], 70000)
	require.Equal(t, doc, must(read(t, string(data))))
}

func TestRefused(t *testing.T) {
	f := func(data string, want error) {
		t.Helper()
		_, err := read(t, data)
		require.ErrorIs(t, err, want)
	}
	f("", ErrTruncated)
	f("\xc1", ErrInvalid)
	f("\xa5abc", ErrTruncated)
	f("\xdb\xff\xff\xff\xff", ErrTruncated)
	f("\xdd\xff\xff\xff\xff", ErrTruncated)
	f("\xdf\xff\xff\xff\xff\xa1", ErrTruncated)
	f(strings.Repeat("\x91", 600)+"\xc0", ErrDepth)
	f("\xd4\x05x", ErrExtension)
}

func cut(data string, n int) []string {
	var f Framer
	var records []event.Record
	rest := ""
	for data != "" {
		k := min(n, len(data))
		records, rest = f.Frame(rest+data[:k], records)
		data = data[k:]
	}
	records = f.Flush(rest, records)
	var out []string
	for _, r := range records {
		out = append(out, r.Data)
	}
	return out
}

func TestFramer(t *testing.T) {
	one, err := msgpack.Marshal(map[string]any{"a": []any{1, "xyz", map[string]any{}}, "b": []byte("binary")})
	require.NoError(t, err)
	data := string(one) + "\x05" + string(one) + "\x80"
	want := []string{string(one), "\x05", string(one), "\x80"}
	for n := 1; n <= len(data); n++ {
		require.Equal(t, want, cut(data, n))
	}
	require.Equal(t, []string{"\x05", "\x93\x01"}, cut("\x05\x93\x01", 1))
	require.Equal(t, []string{"\x05", "\xc1abc"}, cut("\x05\xc1abc", 5))
}

func FuzzRead(f *testing.F) {
	f.Add("\x82\xa1a\x01\xa1b\x92\xc0\xc3", uint8(3))
	f.Add("\xdf\xff\xff\xff\xff\xa1", uint8(1))
	f.Add("\xd7\xff\x00\x00\x00\x00\x00\x00\x00\x01", uint8(2))
	f.Fuzz(func(t *testing.T, data string, n uint8) {
		e := event.New(nil)
		r := Reader{Data: data}
		if v, err := r.Value(e); err == nil {
			used := data[:len(data)-len(r.Data)]
			if first := cut(data, len(data)); first[0] != used {
				t.Fatalf("%x: read %x, cut %x", data, used, first[0])
			}
			again := Reader{Data: string(AppendValue(nil, v))}
			w, err := again.Value(e)
			if err != nil {
				t.Fatalf("%x: cannot read what was written: %v", data, err)
			}
			if v.Kind() != event.Time && string(v.AppendJSON(nil)) != string(w.AppendJSON(nil)) {
				t.Fatalf("%x: %s became %s", data, v.AppendJSON(nil), w.AppendJSON(nil))
			}
		}
		if n > 0 {
			parts := cut(data, int(n))
			if got := strings.Join(parts, ""); got != data {
				t.Fatalf("%x: cut into %x", data, parts)
			}
		}
	})
}
