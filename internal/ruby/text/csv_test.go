package text

import (
	"math/rand"
	"testing"
)

func csvArgs(row []CSVField) []Arg {
	out := []Arg{}
	for _, f := range row {
		if f.Nil {
			out = append(out, nil)
		} else {
			out = append(out, f.Value)
		}
	}
	return out
}

func TestCSVAgainstRuby(t *testing.T) {
	var d differential
	r := rand.New(rand.NewSource(*randomSeed))
	no, null, empty := false, "N", "E"
	options := []struct {
		ruby string
		o    *CSVOptions
	}{{"", nil}, {", col_sep: ';'", &CSVOptions{ColSep: ";"}}, {", col_sep: '||'", &CSVOptions{ColSep: "||"}}, {`, quote_char: "'"`, &CSVOptions{QuoteChar: "'"}}, {", quote_char: nil", &CSVOptions{NoQuote: true}},
		{", liberal_parsing: true", &CSVOptions{LiberalParsing: true}}, {", skip_blanks: true", &CSVOptions{SkipBlanks: true}}, {", nil_value: 'N', empty_value: 'E'", &CSVOptions{NilValue: &null, EmptyValue: &empty}},
		{`, row_sep: "\r\n"`, &CSVOptions{RowSep: "\r\n"}}, {", quote_char: 'xx'", &CSVOptions{QuoteChar: "xx"}}}
	texts := []string{"a,b,c", "", "\n", " ", ",", `a,"b ""c""",d`, `a,"b`, `a,b"c`, `a,"b"c,d`, `a, "b",c`, `a,"b" ,c`, "a,\"b\nc\",d\ne,f", "a\rb,c", "a,b\r\nc", "a,b\rc\n", "\n\na,b\n\n", `"a"b,c`, `"a" b,c`, `"a""b"c,d`, "a;b", "a||b|c", "'a,b',c", `"",`, `""`, `"""`, `""""`, "a,b\n\"x", "a,b\nc\"d,e", "a,b\r\nc,d\re", "\"a\nb\nc", "a\n\"b\nc\"d\n", "é,日", "a,\"\r\n\",b\r\n", "\r\n", "a\n\r\nb"}
	for range *randomRounds {
		texts = append(texts, pick(r, 8, "a", "b", ",", ",", "\"", "\"", "\n", " ", ";", "'", "é", "\r\n"))
	}
	for _, s := range texts {
		for _, o := range options {
			row, ok, err := ParseCSVLine(s, o.o)
			if ok || err != nil {
				d.add(show(csvArgs(row), err), "CSV.parse_line(%s%s)", s, raw(o.ruby))
			} else {
				d.add("nil", "CSV.parse_line(%s%s)", s, raw(o.ruby))
			}
			rows, err := ParseCSV(s, o.o)
			list := []Arg{}
			for _, row := range rows {
				list = append(list, csvArgs(row))
			}
			d.add(show(list, err), "CSV.parse(%s%s)", s, raw(o.ruby))
		}
	}
	for _, row := range [][]CSVField{{{Value: "a"}, {Value: "b c"}, {Value: "d,e"}, {Value: `f"g`}, {Nil: true}, {Value: ""}, {Value: "h\ni"}, {Value: " j"}, {Value: "l\r"}, {Value: "m;n"}, {Value: "o'p"}, {Value: "é"}}, {}, {{Nil: true}}, {{Value: ""}}} {
		for _, o := range []struct {
			ruby string
			o    *CSVOptions
		}{{"", nil}, {", force_quotes: true", &CSVOptions{ForceQuotes: true}}, {", quote_empty: false", &CSVOptions{QuoteEmpty: &no}}, {", col_sep: ';'", &CSVOptions{ColSep: ";"}}, {`, row_sep: "\r\n"`, &CSVOptions{RowSep: "\r\n"}}, {`, quote_char: "'"`, &CSVOptions{QuoteChar: "'"}}} {
			got, err := GenerateCSVLine(row, o.o)
			d.add(show(got, err), "CSV.generate_line(%s%s)", csvArgs(row), raw(o.ruby))
		}
	}
	for _, s := range []string{" a , b ", ` "a" , b `, " a", "\ta\t,b", ` "a"b `, " ", " ,"} {
		row, ok, err := ParseCSVLine(s, &CSVOptions{Strip: true})
		answer := show(csvArgs(row), err)
		if !ok && err == nil {
			answer = "nil"
		}
		d.add(answer, "CSV.parse_line(%s, strip: true)", s)
	}
	d.compare(t)
}

func FuzzCSV(f *testing.F) {
	f.Add("a,\"b\"\"c\",\r\nd", ",", "\"", false)
	f.Fuzz(func(t *testing.T, s, sep, quote string, liberal bool) {
		_, _ = ParseCSV(s, &CSVOptions{ColSep: sep, QuoteChar: quote, LiberalParsing: liberal})
		line, err := GenerateCSVLine([]CSVField{{Value: s}, {Value: quote}}, nil)
		if err != nil || CheckValid(line) != nil {
			return
		}
		row, ok, err := ParseCSVLine(line, &CSVOptions{RowSep: "\n"})
		if err != nil || !ok || len(row) != 2 || row[0].Value != s {
			t.Errorf("%q was written as %q and read as %v: %v", s, line, row, err)
		}
	})
}
