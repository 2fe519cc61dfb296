package jdbc

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/pipeline/event"
)

func TestNamed(t *testing.T) {
	names := []string{"a", "b"}
	f := func(d Dialect, sql, want string) {
		t.Helper()
		s := Named(sql, d, names)
		q, args, err := s.Fill([]event.Value{event.IntValue(1), event.StringValue("x")})
		require.NoError(t, err)
		if d == MySQL {
			require.Equal(t, strings.Count(want, "?")-strings.Count(sql, "?"), len(args), q)
		}
		require.Equal(t, want, q)
	}
	f(Postgres, "select 1", "select 1")
	f(Postgres, "select :a", "select 1")
	f(Postgres, ":a:b", "1'x'")
	f(Postgres, "x = :b and y>:a", "x = 'x' and y>1")
	f(Postgres, "t::a, :a::int, :a ::b", "t::a, 1::int, 1 ::b")
	f(Postgres, ":ab :a_ :b2 :c", ":ab :a_ :b2 :c")
	f(Postgres, "'x :a' ':a' ''':a' ':a'':b' ':a", "'x :a' 1 ''':a' ':a'':b' ':a")
	f(Postgres, `':\a' '\' :a`, `':\a' '\' 1`)
	f(Postgres, `E'\' :a' e':a' :a`, `E'\' :a' e':a' 1`)
	f(Postgres, `name':a'`, `name1`)
	f(Postgres, `":a" "x"":a" :a`, `":a" "x"":a" 1`)
	f(Postgres, "-- :a '\n:a", "-- :a '\n1")
	f(Postgres, "1--:a", "1--:a")
	f(Postgres, "/* :a /* :a */ :a */ :a", "/* :a /* :a */ :a */ 1")
	f(Postgres, "$$ :a $$ $t$ $$ :a $t$ :a $1:a x$$:a", "$$ :a $$ $t$ $$ :a $t$ 1 $11 x$$1")
	f(Postgres, "x[1:2] ?:a # :a", "x[1:2] ?1 # 1")
	f(MySQL, "x = :b and y>:a", "x = ? and y>?")
	f(MySQL, `'\':a' ":a\":a" :a`, `'\':a' ":a\":a" ?`)
	f(MySQL, "`:a` # :a\n:a", "`:a` # :a\n?")
	f(MySQL, "1--:a -- :a", "1--? -- :a")
	f(MySQL, "/* :a /* */ :a /*!40000 :a */", "/* :a /* */ ? /*!40000 ? */")
	f(MySQL, "@x := :a", "@x := ?")
	f(MySQL, "'what?' = ':b'", "'what?' = ?")
}

func TestLiterals(t *testing.T) {
	at := time.Date(2024, 7, 1, 10, 0, 0, 123456789, time.UTC)
	paris := new(Zone)
	require.NoError(t, paris.UnmarshalText([]byte("Europe/Paris")))
	list := func(vs ...event.Value) event.Value {
		l := new(event.List)
		for _, v := range vs {
			l.Append(v)
		}
		return event.ListValue(l)
	}
	f := func(v event.Value, pg string, my ...any) {
		t.Helper()
		q, _, err := Named("f(:v)", Postgres, []string{"v"}).In(paris).Fill([]event.Value{v})
		require.NoError(t, err)
		require.Equal(t, "f("+pg+")", q)
		_, args, err := Named("f(:v)", MySQL, []string{"v"}).In(paris).Fill([]event.Value{v})
		require.NoError(t, err)
		require.Equal(t, my, args)
	}
	f(event.Value{}, "NULL", nil)
	f(event.BoolValue(true), "true", true)
	f(event.IntValue(-5), "(-5)", int64(-5))
	f(event.FloatValue(1.5), "1.5", 1.5)
	f(event.FloatValue(1e300), "1e+300", 1e300)
	f(event.BigIntValue("18446744073709551615"), "18446744073709551615", "18446744073709551615")
	f(event.StringValue("it's"), "'it''s'", "it's")
	f(event.StringValue(`\'; drop table x; --`), ` E'\\''; drop table x; --'`, `\'; drop table x; --`)
	f(event.TimeValue(at), "'2024-07-01 12:00:00.123456+02:00'", "2024-07-01 12:00:00.123456")
	f(list(event.IntValue(1), event.StringValue("b")), "(1,'b')", int64(1), "b")
	f(list(), "(NULL)")
	for _, v := range []event.Value{event.ObjectValue(event.New(nil).NewObject()), event.StringValue("a\x00b"), list(event.StringValue("\x00"))} {
		_, _, err := Named(":v", Postgres, []string{"v"}).Fill([]event.Value{v})
		require.Error(t, err)
	}
}

func TestUnknownAndQuoted(t *testing.T) {
	s := Named("x = :a and y = :aa and '12:30' < ':b' and z = ':c' and t[1:2] and ':a days' = '%:b'", Postgres, []string{"a", "b"})
	found, at := s.Unknown([]string{"a", "b"})
	require.Equal(t, []string{"aa"}, found)
	require.Equal(t, []int{15}, at)
	found, _ = s.Quoted([]string{"a", "b"})
	require.Equal(t, []string{"a", "b"}, found)
	require.True(t, s.Uses(0))
	require.True(t, s.Uses(1))
	require.False(t, Named("'x:a'", Postgres, []string{"a"}).Uses(0))
}

func TestPositional(t *testing.T) {
	f := func(d Dialect, sql, want string, n int) {
		t.Helper()
		got, params := positional(sql, d, nil)
		require.Equal(t, want, got)
		require.Equal(t, n, params)
	}
	f(Postgres, "a = ? and b = '?' and c ?? ? -- ?\n?", "a = $1 and b = '?' and c ? $2 -- ?\n$3", 3)
	f(MySQL, "a = ? and b = \"?\" and `c?` = ?", "a = ? and b = \"?\" and `c?` = ?", 2)
}

// FuzzNamed: whatever stands in a value, it stays inside its literal: the statement has the same pieces as with a harmless value.
func FuzzNamed(f *testing.F) {
	f.Add("select * from t where a = :v and b = ':v' -- :v", `x'\`, true)
	f.Add("E':v' $$:v$$ /*:v*/ \":v\"", "$$", true)
	f.Add("`:v` # :v\n:v", `\`, false)
	f.Fuzz(func(t *testing.T, sql, value string, postgres bool) {
		d := MySQL
		if postgres {
			d = Postgres
		}
		s := Named(sql, d, []string{"v"})
		var b strings.Builder
		for _, p := range s.parts {
			b.WriteString(p.sql)
			if p.param >= 0 {
				b.WriteString(":v")
			}
		}
		if got := b.String(); len(s.parts) == 1 && got != sql || len(got) > len(sql) {
			t.Fatalf("%q became %q", sql, got)
		}
		s.Unknown(nil)
		s.Quoted([]string{"v"})
		positional(sql, d, nil)
		query, args, err := s.Fill([]event.Value{event.StringValue(value)})
		if err != nil || d == MySQL {
			if d == MySQL && len(args) != len(s.parts)-1 {
				t.Fatalf("%d arguments for %d places", len(args), len(s.parts)-1)
			}
			return
		}
		if d == Postgres && len(s.parts) == 2 && strings.TrimSpace(s.parts[0].sql) == "" && s.parts[1].sql == "" {
			literal := strings.TrimPrefix(strings.TrimSpace(query), "E")
			if end, k := piece(strings.TrimSpace(query), strings.Index(strings.TrimSpace(query), "'"), Postgres); k != quoted || end != len(strings.TrimSpace(query)) {
				t.Fatalf("%q leaves its quotes: %q", value, literal)
			}
		}
	})
}

func TestZone(t *testing.T) {
	f := func(zone, clock, want string) {
		t.Helper()
		z := new(Zone)
		require.NoError(t, z.UnmarshalText([]byte(zone)))
		at, err := time.Parse("2006-01-02 15:04:05", clock)
		require.NoError(t, err)
		require.Equal(t, want, z.instant(at).UTC().Format("2006-01-02 15:04:05"))
	}
	f("UTC", "2024-07-01 12:00:00", "2024-07-01 12:00:00")
	f("Europe/Paris", "2024-07-01 12:00:00", "2024-07-01 10:00:00")
	f("America/Chicago", "2024-11-03 01:30:00", "2024-11-03 06:30:00")
	f("America/Chicago[dst_enabled_on_overlap:true]", "2024-11-03 01:30:00", "2024-11-03 06:30:00")
	f("America/Chicago[dst_enabled_on_overlap:false]", "2024-11-03 01:30:00", "2024-11-03 07:30:00")
	f("America/Chicago[dst_enabled_on_overlap:false]", "2024-11-03 02:30:00", "2024-11-03 08:30:00")
	f("Australia/Lord_Howe[dst_enabled_on_overlap:false]", "2024-04-07 01:45:00", "2024-04-06 15:15:00")
	f("Australia/Lord_Howe[dst_enabled_on_overlap:true]", "2024-04-07 01:45:00", "2024-04-06 14:45:00")
	for _, bad := range []string{"", "Mars", "Europe/Paris[", "Europe/Paris[what]", "Local"} {
		require.Error(t, new(Zone).UnmarshalText([]byte(bad)), bad)
	}
}

func TestArrays(t *testing.T) {
	f := func(elem, in, want string) {
		t.Helper()
		db := &DB{url: &URL{Dialect: Postgres}, zone: In(time.UTC)}
		require.Equal(t, want, string(db.array(elem)([]byte(in)).AppendJSON(nil)))
	}
	f("INT4", "{}", `[]`)
	f("INT4", "{1,NULL,-3}", `[1,null,-3]`)
	f("TEXT", `{a,"b c","NULL","q\"\\",{x}}`, `["a","b c","NULL","q\"\\",["x"]]`)
	f("INT8", "[0:1]={{1,2},{3,4}}", `[[1,2],[3,4]]`)
	f("BOOL", "{t,f}", `[true,false]`)
	f("NUMERIC", "{1.5}", `[1.5]`)
	f("DATE", "{what}", `["what"]`)
	f("TIMESTAMP", `{"2024-01-01 10:00:00.5"}`, `["2024-01-01T10:00:00.500Z"]`)
	f("TIMESTAMPTZ", `{"2024-01-01 10:00:00+02"}`, `["2024-01-01T08:00:00.000Z"]`)
	f("TEXT", `{a`, `"{a"`)
	f("TEXT", `{"a`, `"{\"a"`)
	f("TEXT", `{a}b`, `"{a}b"`)
}
