package sflow

import (
	_ "embed" // for the table of records
	"strconv"
	"strings"
	"sync"
)

//go:embed records.txt
var records string

// field is one field of a record, and how its bytes are read.
type field struct {
	name string
	kind byte
}

// recordID is the number of a record of the standard.
type recordID struct {
	counter bool
	number  uint32
}

// known returns the records that can be read. It never changes.
var known = sync.OnceValue(func() map[recordID][]field {
	tables := make(map[recordID][]field)
	for line := range strings.Lines(records) {
		words := strings.Fields(line)
		if words[0] == "#" {
			continue
		}
		number, err := strconv.ParseUint(words[1], 10, 32)
		if err != nil {
			panic("BUG: the table of records is malformed at " + line)
		}
		var fields []field
		for _, w := range words[2:] {
			name, kind, _ := strings.Cut(w, ":")
			f := field{name: name, kind: 'u'}
			if kind != "" {
				f.kind = kind[0]
			}
			fields = append(fields, f)
		}
		tables[recordID{words[0] == "counter", uint32(number)}] = fields
	}
	return tables
})
