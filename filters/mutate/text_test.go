package mutate

import (
	"testing"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

func TestCases(t *testing.T) {
	f := func(in, up, low, cap string) {
		t.Helper()
		var c caser
		var a event.Arena
		for to, want := range map[letterCase]string{upper: up, lower: low, capital: cap} {
			got, err := c.convert(&a, in, to)
			require.NoError(t, err)
			require.Equal(t, want, got, "%q to %d", in, to)
		}
	}
	f("", "", "", "")
	f("ExAmPlE 1", "EXAMPLE 1", "example 1", "Example 1")
	f("АБВгд\x00MMM", "АБВГД\x00MMM", "абвгд\x00mmm", "Абвгд\x00mmm")
	f("こにちわ", "こにちわ", "こにちわ", "こにちわ")
	f("xYzółć", "XYZÓŁĆ", "xyzółć", "Xyzółć")
	f("nÎcË gÛŸ", "NÎCË GÛŸ", "nîcë gûÿ", "Nîcë gûÿ")
	f("straße", "STRASSE", "straße", "Straße")
	f("ßa", "SSA", "ßa", "Ssa")
	f("ΟΔΟΣ", "ΟΔΟΣ", "οδοσ", "Οδοσ") // no final sigma
	f("ﬁn", "FIN", "ﬁn", "Fin")
	f("ǆx", "ǄX", "ǆx", "ǅx")
	f("İI", "İI", "i̇i", "İi")
	f("\u0390", "\u0399\u0308\u0301", "\u0390", "\u0399\u0308\u0301")
}

func TestCaseOfInvalidText(t *testing.T) {
	var c caser
	_, err := c.convert(new(event.Arena), "a\xff", upper)
	require.ErrorIs(t, err, errInvalidText)
}

func TestTextOperations(t *testing.T) {
	f := run(t)
	f(`uppercase => ["v"]`, `{"v":["a",2,"C",null]}`, `{"v":["A",2,"C",null]} +`)
	f(`capitalize => ["v"]`, `{"v":["ab",2,"CDE"]}`, `{"v":["Ab",2,"Cde"]} +`)
	f(`lowercase => ["v"]`, `{"v":["a",2,"C"]}`, `{"v":["a",2,"c"]} +`)
	f(`lowercase => "v" uppercase => "w" capitalize => "x"`, `{"w":5,"x":{"a":"b"}}`, `{"w":5,"x":{"a":"b"}} +`)
	f(`uppercase => "v" capitalize => "v"`, `{"v":"abc"}`, `{"v":"Abc"} +`)
	f(`capitalize => "v" lowercase => "v"`, `{"v":"ABC"}`, `{"v":"abc"} +`)
	f(`strip => ["a","b","c"]`, `{"a":" /store.php ","b":["\u0000 x\t","y"],"c":"\u00a0x\u00a0"}`, "{\"a\":\"/store.php\",\"b\":[\"x\",\"y\"],\"c\":\"\u00a0x\u00a0\"} +")
	f(`strip => ["b"]`, `{"b":[" x",null]}`, `{"b":[" x",null],"tags":["_mutate_error"]}`)
}

func TestGsub(t *testing.T) {
	f := run(t)
	f(`gsub => ["u", "but extinct", "and common"]`, `{"u":"Magnificient, but extinct, animals"}`, `{"u":"Magnificient, and common, animals"} +`)
	f(`gsub => ["u", "extinct", "common"]`, `{"u":["Magnificient extinct animals","Other extinct ideas"]}`, `{"u":["Magnificient common animals","Other common ideas"]} +`)
	f(`gsub => ["c", "red", "blue", "s", "square", "circle"]`, `{"c":"One red car","s":"Four red squares"}`, `{"c":"One blue car","s":"Four red circles"} +`)
	f(`gsub => ["c", "\d$", "blue"]`, `{"c":"red3"}`, `{"c":"redblue"} +`)
	f(`gsub => ["u", "of type %{t}", "green"]`, `{"u":"Unicorns of type blue are common","t":"blue"}`, `{"u":"Unicorns green are common","t":"blue"} +`)
	f(`gsub => ["u", "of type %{t}", "%{t} and green"]`, `{"u":["of type blue!","of type red"],"t":"blue"}`, `{"u":["blue and green!","of type red"],"t":"blue"} +`)
	f(`gsub => ["u", "%{t}", "x"]`, `{"u":"a(b","t":"("}`, `{"u":"a(b","t":"(","tags":["_mutate_error"]}`)
	f(`gsub => ["u", "(a)(b)?", "<\2\1\0\&>"]`, `{"u":"aba"}`, `{"u":"<baabab><aaa>"} +`)
	f(`gsub => ["u", "(?<n>a)", "[\k<n>\1]"]`, `{"u":"ab"}`, `{"u":"[a]b"} +`)
	f(`gsub => ["u", "(?<n>a)", "\k<m>"]`, `{"u":"ab"}`, `{"u":"ab","tags":["_mutate_error"]}`)
	f(`gsub => ["u", "a", "\k<m"]`, `{"u":"ab"}`, `{"u":"ab","tags":["_mutate_error"]}`)
	f(`gsub => ["u", "a", "\q\\n\9."]`, `{"u":"ab"}`, `{"u":"\\q\\n.b"} +`)
	f(`gsub => ["u", "b", "<%{r}>"]`, `{"u":"abc","r":"\\0\\0"}`, `{"u":"a<bb>c","r":"\\0\\0"} +`)
	f(`gsub => ["u", "x*", "-"]`, `{"u":"äxb"}`, `{"u":"-ä--b-"} +`)
	f(`gsub => ["u", "\Ga", "-"]`, `{"u":"aaba"}`, `{"u":"--ba"} +`)
	f(`gsub => ["tags", "a", "b"]`, `{"tags":["a"]}`, `{"tags":["b"]} +`)
	f(`gsub => ["u", "(?<=a)b", "B"]`, `{"u":"ab b"}`, `{"u":"aB b"} +`)
}
