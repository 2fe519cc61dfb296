// Package engine keeps the documents of the embedded store and answers its queries: a query.Engine in a folder.
//
// What is written goes the following way. Apply decides what each operation does, writes the decisions to a log in the catalogue, which is
// a bbolt database (catalogue.go, log.go), and then adds the documents to a builder in memory (apply.go, builder.go). A builder that is
// full, or that a search wants to look into, becomes an immutable segment in memory (seal.go, writer.go, segment.go). When enough has gathered, the
// segments in memory become one on disk, and in the same transaction of the catalogue the log loses what they hold (flush.go).
// Neighbouring segments are merged in the background (compact.go, merge.go and the files named after it), and the oldest go when the store is too large or its
// documents too old (retention.go). So after kill -9 the catalogue tells exactly which segments there are, and the log what is missing.
//
// A segment holds for each field a dictionary of terms with their postings (dict.go, postings.go), a column of values or ordinals
// (column.go) and the norms of texts (norm.go); and of each document its source (stored.go), its ID (ids.go), time, number and version.
// All of it is read with pread into small buffers: a store of gigabytes is searched in some ten megabytes.
//
// A search works segment by segment on sets of documents (search.go, compile.go, match.go, boolean.go, phrase.go, sloppy.go), scores only
// what matched (score.go), keeps the best (collect.go, collectsegment.go) and aggregates over the sets (aggregate.go and the agg files).
//
// Why it is made so, and what was measured, is in docs/STORE.md.
package engine
