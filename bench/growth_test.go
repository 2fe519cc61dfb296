package bench

import (
	"fmt"
	"strings"
	"testing"

	"millrace/pipeline/event"
)

// BenchmarkGrowth tells how the cost of an event grows with what a config or an event holds. The first size of each row
// is the base of the others: the unit, for instance ns/filter, is what one more of it adds to an event, in CPU time of
// all cores; it is printed only if the base was measured in the same run.
func BenchmarkGrowth(b *testing.B) {
	b.Run("filters", func(b *testing.B) {
		grow(b, "ns/filter", []int{0, 1, 5, 20}, func(b *testing.B, n int) inMemory {
			var filter strings.Builder
			for i := range n {
				fmt.Fprintf(&filter, "mutate { add_field => { \"added%d\" => \"value\" } }\n", i)
			}
			records, _ := recordsOf(b, "raw")
			return inMemory{filter: filter.String(), records: records}
		})
	})
	b.Run("fields", func(b *testing.B) {
		grow(b, "ns/field", []int{5, 20, 80}, func(b *testing.B, n int) inMemory {
			return inMemory{codec: "json_lines", records: fieldRecords(n)}
		})
	})
	b.Run("conditions", func(b *testing.B) {
		grow(b, "ns/condition", []int{0, 1, 10, 50}, func(b *testing.B, n int) inMemory {
			filter := "mutate { add_field => { \"a\" => \"none of them\" } }\n"
			for i := range n {
				filter += fmt.Sprintf("if [a] == \"x%d\" { mutate { add_field => { \"b\" => \"c\" } } }\n", i)
			}
			records, _ := recordsOf(b, "raw")
			return inMemory{filter: filter, records: records}
		})
	})
	for at, which := range []string{"first", "last", "none"} {
		b.Run("patterns/"+which, func(b *testing.B) {
			grow(b, "ns/pattern", []int{1, 5, 20}, func(b *testing.B, n int) inMemory {
				records, _ := recordsOf(b, "raw")
				return inMemory{filter: patternList(n, []int{0, n - 1, -1}[at]), records: records}
			})
		})
	}
}

// grow measures sizes, the first of them as the base.
func grow(b *testing.B, unit string, sizes []int, pipelineOf func(b *testing.B, n int) inMemory) {
	base := 0.0
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			cost := pipelineOf(b, n).run(b)
			switch {
			case n == sizes[0]:
				base = cost
			case base > 0:
				b.ReportMetric((cost-base)/float64(n-sizes[0]), unit)
			}
		})
	}
}

// fieldRecords are documents of n fields: texts and numbers that differ from record to record.
func fieldRecords(n int) []event.Record {
	records := make([]event.Record, lineCount)
	for i := range records {
		var doc strings.Builder
		for f := range n {
			if f%4 == 3 {
				fmt.Fprintf(&doc, `,"number%02d":%d`, f, i*(f+7919))
			} else {
				fmt.Fprintf(&doc, `,"text%02d":"value %d of field %d"`, f, i*31, f)
			}
		}
		records[i].Data = "{" + doc.String()[1:] + "}"
	}
	return records
}

// patternList is a grok of n patterns; that at match (none if negative) is the one that lines of workload raw match.
func patternList(n, match int) string {
	var list []string
	for i := range n {
		pattern := fmt.Sprintf(`^service%02d\[%%{POSINT:pid}\]: %%{GREEDYDATA:text}`, i)
		if i == match {
			pattern = `^%{WORD:first} %{GREEDYDATA:text}`
		}
		list = append(list, `"`+strings.ReplaceAll(pattern, `"`, `\"`)+`"`)
	}
	return `grok { match => { "message" => [` + strings.Join(list, ", ") + `] } }`
}
