package file

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/internal/outputtest"
)

// rowsOf returns what the csv output of a config writes for events.
func rowsOf(t *testing.T, conf string, docs ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x.csv")
	outputtest.New(t, CSV, `path => "`+path+`" `+conf).Write(t, docs...)
	return content(t, path)
}

func TestCSV(t *testing.T) {
	f := func(conf, doc, want string) {
		t.Helper()
		require.Equal(t, want, rowsOf(t, conf, doc))
	}
	f(`fields => "foo"`, `{"foo":"bar"}`, "bar\n")
	f(`fields => ["foo", "baz"]`, `{"foo":"bar","baz":"quux"}`, "bar,quux\n")
	f(`fields => ["foo", "not_there", "baz"]`, `{"foo":"bar","baz":"quux"}`, "bar,,quux\n")
	f(`fields => ["foo", "baz"]`, `{"foo":"one,two","baz":"quux"}`, "\"one,two\",quux\n")
	f(`fields => ["foo", "baz"]`, `{"foo":"one\ntwo","baz":"a \"b\""}`, "\"one\ntwo\",\"a \"\"b\"\"\"\n")
	f(`fields => ["foo", "baz"]`, `{"foo":{"one":"two"},"baz":"quux"}`, "\"{\"\"one\"\":\"\"two\"\"}\",quux\n")
	f(`fields => ["[foo][one]", "[foo][missing]", "baz"]`, `{"foo":{"one":"two"},"baz":"quux"}`, "two,,quux\n")
	f(`fields => ["a", "b", "c", "d"]`, `{"a":1,"b":2.5,"c":true,"d":["x",1]}`, "1,2.5,true,\"[\"\"x\"\", 1]\"\n")
	f(`fields => ["a", "b", "c"]`, `{"a":"","b":null,"c":" x"}`, "\"\",,\" x\"\n")
	f(`fields => ["foo", "bar"] csv_options => {"col_sep" => "|"}`, `{"foo":"one","bar":"t,wo"}`, "one|t,wo\n")
	f(`fields => ["foo", "bar"] csv_options => {"col_sep" => "\t" "row_sep" => "\r\n"}`, `{"foo":"one","bar":"two"}`, "one\ttwo\r\n")
	f(`fields => ["foo", "bar", "no"] csv_options => {"force_quotes" => true "quote_char" => "'"}`, `{"foo":"o'ne","bar":2}`, "'o''ne','2',''\n")
	f(`fields => ["a", "b"] csv_options => {"quote_empty" => false "write_nil_value" => "NULL"}`, `{"a":""}`, ",NULL\n")
	f(`fields => ["a"] csv_options => {"write_empty_value" => "-"}`, `{"a":""}`, "-\n")
	f(`fields => ["foo", "baz"]`, `{"foo":"1+1","baz":"=1+1"}`, "1+1,'=1+1\n")
	f(`fields => ["foo", "baz"] spreadsheet_safe => false`, `{"foo":"1+1","baz":"=1+1"}`, "1+1,=1+1\n")
}

func TestCSVRows(t *testing.T) {
	require.Equal(t, "one|two\tone|three\t", rowsOf(t, `fields => ["foo", "bar"] csv_options => {"col_sep" => "|" "row_sep" => "	"}`,
		`{"foo":"one","bar":"two"}`, `{"foo":"one","bar":"three"}`))
}

func TestCSVMistakes(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		outputtest.Refused(t, CSV, conf, want)
	}
	f(`fields => "a"`, `"path" is required`)
	f(`path => "x/%{y}"`, `"fields" is required`)
	f(`path => "/x/y" fields => []`, "at least one field")
	f(`path => "/x/y" fields => "a" csv_options => {"quote_char" => "ab"}`, "one character")
	f(`path => "/x/y" fields => "a" csv_options => {"col_sep" => ""}`, "a separator has a character")
	f(`path => "/x/y" fields => "a" csv_options => {"force_quotes" => "yes"}`, "neither true nor false")
	outputtest.Warned(t, CSV, `path => "/x/y" fields => "a" csv_options => {"headers" => "a"}`, "has no effect")
}
