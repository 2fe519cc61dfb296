// Package query is what the two halves of the embedded store say to each other: the half that speaks Elasticsearch's API turns
// documents into typed fields and requests into the queries below; the engine keeps the documents and answers the queries. Nothing here
// knows of JSON requests, and nothing here knows of files.
package query

import (
	"context"
	"errors"
)

// Doc is a document as the engine keeps it. The engine copies what it keeps: its strings may point into a request's buffer.
type Doc struct {
	Index  string // the concrete index or backing index
	ID     string
	Source []byte // as it was sent; what a hit returns
	Fields []Field
	Time   int64 // of arrival, in milliseconds since 1970: what retention goes by
}

// Kind tells how the values of a field are indexed.
type Kind uint8

// The kinds of fields. A field has one kind in one index; two indices may differ.
const (
	Keyword Kind = iota + 1 // one term a value; sorted and aggregated by its bytes
	Text                    // a list of terms with positions and a length, for scores and phrases; neither sorted nor aggregated
	Int                     // long and its smaller kin, and booleans (0 and 1)
	Float                   // double and its smaller kin
	Date                    // milliseconds since 1970
)

// Field is the values of one field of a document.
type Field struct {
	Name   string // the whole path, "user_agent.name" or "message.keyword"
	Kind   Kind
	Terms  []string  // of a Keyword: its values; of a Text: its tokens in order, lower-cased, of all values one after the other
	Gaps   []int     // of a Text with several values: the indices in Terms at which a value begins (a position gap of 100 comes before)
	Ints   []int64   // of an Int or Date
	Floats []float64 // of a Float

	// NoNorms, of a Text: scores take the length of this document's field as 1 (norms: false in a mapping). The average length counts as ever.
	NoNorms bool
}

// Op is one operation of a bulk request.
type Op struct {
	Kind OpKind
	Doc  Doc // of a Delete: Index and ID alone
	// IfSeqNo and IfPrimaryTerm, where IfSeqNo is not negative: the operation fails with Conflict unless the document is at that number.
	IfSeqNo int64
	// Fresh says that the ID was made for this Create: no document has it, and none needs to be looked for.
	Fresh bool
}

// OpKind is what an operation does. An update is read, merged and indexed by the caller.
type OpKind uint8

// The operations.
const (
	Put    OpKind = iota + 1 // index: creates or replaces
	Create                   // fails with Conflict where the ID exists
	Delete
)

// Outcome is how one operation ended.
type Outcome struct {
	Status  Status
	Version int64
	SeqNo   int64
}

// Status is the end of one operation.
type Status uint8

// The ends of operations.
const (
	Created Status = iota + 1
	Updated
	Deleted
	NotFound
	Conflict
)

// Query selects documents and, where Search asks for it, gives them a score as Lucene's BM25 does (k1 1.2, b 0.75, lengths as
// Lucene's one-byte norms, statistics of the shard, which is the index).
type Query interface{ query() }

// The queries. A field that an index does not have matches nothing there.
type (
	// All matches each document with score 1.
	All struct{}
	// None matches no document.
	None struct{}
	// Term matches documents with a Keyword or Text field that holds a term.
	Term struct{ Field, Term string }
	// Terms matches documents that hold one of several terms, with score 1.
	Terms struct {
		Field string
		Terms []string
	}
	// Numbers matches documents with an Int, Float or Date value among Values, with score 1.
	Numbers struct {
		Field  string
		Values []float64
	}
	// Pattern matches documents with a term that a wildcard expression (* and ?, \ escapes) matches, with score 1.
	Pattern struct {
		Field, Pattern string
		FoldCase       bool
	}
	// Regexp matches documents with a term that Match accepts as a whole, with score 1. Prefix is what each such term begins with.
	Regexp struct {
		Field  string
		Prefix string
		Match  func(term string) bool
	}
	// Fuzzy is not among the queries: the API refuses it.

	// NumberRange matches documents with a value of an Int or Date field between bounds that are included, with score 1.
	NumberRange struct {
		Field    string
		Min, Max int64
	}
	// FloatRange is NumberRange for a Float field.
	FloatRange struct {
		Field                  string
		Min, Max               float64
		ExcludeMin, ExcludeMax bool
	}
	// TermRange matches documents with a Keyword or Text term between bounds, by bytes, with score 1. A nil bound is open.
	TermRange struct {
		Field                  string
		Min, Max               *string
		ExcludeMin, ExcludeMax bool
	}
	// Exists matches documents with at least one value of a field, with score 1.
	Exists struct{ Field string }
	// Phrase matches documents whose Text field holds terms in this order, at most Slop moves apart; the last may be a prefix.
	Phrase struct {
		Field  string
		Terms  []string
		Slop   int
		Prefix bool
	}
	// IDs matches documents by their IDs, with score 1.
	IDs struct{ Values []string }
	// Bool combines: all of Must and Filter, none of MustNot, at least MinShould of Should. The score is the sum of those of Must and Should.
	Bool struct {
		Must, Filter, Should, MustNot []Query
		MinShould                     int
	}
	// Best matches what one of several queries matches; the score is the best of them plus Tie times the others (dis_max).
	Best struct {
		Queries []Query
		Tie     float64
	}
	// Constant gives what a query matches a score of its own.
	Constant struct {
		Query Query
		Score float64
	}
	// Boost multiplies the score of a query.
	Boost struct {
		Query Query
		By    float64
	}
)

func (All) query()         {}
func (None) query()        {}
func (Term) query()        {}
func (Terms) query()       {}
func (Numbers) query()     {}
func (Pattern) query()     {}
func (Regexp) query()      {}
func (NumberRange) query() {}
func (FloatRange) query()  {}
func (TermRange) query()   {}
func (Exists) query()      {}
func (Phrase) query()      {}
func (IDs) query()         {}
func (Bool) query()        {}
func (Best) query()        {}
func (Constant) query()    {}
func (Boost) query()       {}

// Target is one index to search and the query as that index's mapping makes it.
type Target struct {
	Index string
	Query Query
}

// Search asks for hits, their number, and aggregations over all that matches.
type Search struct {
	Targets    []Target
	Sort       []Sort // empty: by score, then by index and order of arrival
	From, Size int
	After      []any // search_after: the sort values of the hit before, as Hit.Sort had them
	Aggs       []Agg
	NeedScore  bool // scores are wanted though Sort does not name them
	TrackTotal int  // stop counting exactly at this many; negative: count all
}

// Sort is one key of the order. Field "_score" is the score, "_doc" the order of arrival, "_id" is refused by the API.
type Sort struct {
	Field        string
	Kind         Kind
	Descending   bool
	MissingFirst bool
	UseMax       bool // of several values the largest counts, else the smallest
}

// Hit is one document found.
type Hit struct {
	Index, ID string
	Source    []byte
	Score     float32
	Sort      []any // int64, float64, string or nil, one a key of the order
	SeqNo     int64
	Version   int64
}

// Agg is one aggregation. Values of a document's field count once each; a document with the same keyword twice counts once in its bucket.
type Agg struct {
	Name string
	Type AggType
	// Field and Kind of what is aggregated, for each index of the search: indices may map a field differently.
	Field string
	Kind  Kind

	Size     int                  // Terms: buckets to return
	MinCount int                  // Terms, DateHistogram: least count of a bucket
	Order    []Order              // Terms; empty: by count, descending, then by key
	Bounds   func(ms int64) int64 // DateHistogram: the start of the bucket that a time falls in
	Sub      []Agg
}

// AggType is what an aggregation computes.
type AggType uint8

// The aggregations.
const (
	AggTerms AggType = iota + 1
	AggDateHistogram
	AggMin
	AggMax
	AggSum
	AggAvg
	AggCount // value_count
	AggCardinality
)

// Order is one key of the order of a terms aggregation's buckets: "_count", "_key" or the name of a metric under it.
type Order struct {
	By         string
	Descending bool
}

// AggResult is the answer to one Agg.
type AggResult struct {
	Name    string
	Buckets []Bucket // by Order (Terms) or time (DateHistogram, holes included where MinCount is 0)
	Other   int64    // Terms: documents in buckets that Size cut off
	Count   int64    // metrics: values seen
	Value   float64  // metrics; without meaning where Count is 0, except for AggSum, AggCount and AggCardinality
}

// Bucket is one group of documents.
type Bucket struct {
	Key   string // Terms over Keyword
	Int   int64  // DateHistogram, Terms over Int and Date
	Float float64
	Count int64
	Sub   []AggResult
}

// Result is the answer to a Search.
type Result struct {
	Total      int64
	TotalExact bool
	MaxScore   float32
	Hits       []Hit
	Aggs       []AggResult
}

// IndexInfo is what the engine knows of one index.
type IndexInfo struct {
	Name    string
	Docs    int64 // that a search can find
	Deleted int64 // replaced or deleted, not yet removed from disk
	Bytes   int64 // on disk
	Created int64 // milliseconds since 1970
	Oldest  int64 // the smallest and largest Doc.Time
	Newest  int64
	Meta    []byte // the owner's own: mappings, settings
}

// ErrFull is returned by Engine.Apply when the disk or the limit of the store is full: nothing of the operations was done.
var ErrFull = errors.New("the store is full")

// ErrNoIndex is in the chain of errors about an index that does not exist, or not any more.
var ErrNoIndex = errors.New("no such index")

// Engine keeps documents and answers searches. All methods may be called at the same time. Retention removes documents; an index stays,
// even when it is empty, until DeleteIndex is called: its owner decides when a name is free again.
type Engine interface {
	// CreateIndex makes an empty index; one that exists is left as it is.
	CreateIndex(name string, meta []byte) error
	// SetMeta replaces the owner's own data of an index, and returns when it is on disk.
	SetMeta(name string, meta []byte) error
	// DeleteIndex removes an index and its files, and reports whether there was one.
	DeleteIndex(name string) (bool, error)
	Indices() []IndexInfo
	// Apply does operations in their order and returns when they are on disk: what it acknowledged survives kill -9. The next Search sees
	// them. The index of each must exist. On an error nothing was done.
	Apply(ctx context.Context, ops []Op) ([]Outcome, error)
	// Get returns the document with an ID.
	Get(index, id string) (Hit, bool, error)
	Search(ctx context.Context, s *Search) (*Result, error)
	Close() error
}
