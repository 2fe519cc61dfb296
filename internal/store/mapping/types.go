package mapping

import (
	"math"
	"slices"

	"millrace/internal/store/query"
)

// Type is the type of a field, as mappings name it.
type Type string

// The types that can be searched. Opaque stands for all others: their values stay in the source of a document, and a search on them is refused.
const (
	Object          Type = "object"
	Text            Type = "text"
	MatchOnlyText   Type = "match_only_text"
	Keyword         Type = "keyword"
	ConstantKeyword Type = "constant_keyword"
	Wildcard        Type = "wildcard"
	Long            Type = "long"
	Integer         Type = "integer"
	Short           Type = "short"
	Byte            Type = "byte"
	Double          Type = "double"
	Float           Type = "float"
	HalfFloat       Type = "half_float"
	ScaledFloat     Type = "scaled_float"
	Boolean         Type = "boolean"
	Date            Type = "date"
	DateNanos       Type = "date_nanos"
	IP              Type = "ip"
	Alias           Type = "alias"
)

// opaque are the types of Elasticsearch that the store keeps and does not search.
var opaque = []Type{
	"nested", "flattened", "geo_point", "geo_shape", "point", "shape", "binary", "histogram", "unsigned_long", "version", "integer_range", "long_range",
	"float_range", "double_range", "date_range", "ip_range", "completion", "search_as_you_type", "token_count", "dense_vector", "sparse_vector",
	"rank_feature", "rank_features", "percolator", "join", "aggregate_metric_double", "annotated_text", "semantic_text", "counted_keyword", "icu_collation_keyword",
	"murmur3", "passthrough",
}

func known(t Type) bool {
	switch t {
	case Object, Text, MatchOnlyText, Keyword, ConstantKeyword, Wildcard, Long, Integer, Short, Byte, Double, Float, HalfFloat, ScaledFloat,
		Boolean, Date, DateNanos, IP, Alias:
		return true
	}
	return slices.Contains(opaque, t)
}

// Kind returns how values of the type are indexed; 0 for what is not.
func (t Type) Kind() query.Kind {
	switch t {
	case Text, MatchOnlyText:
		return query.Text
	case Keyword, ConstantKeyword, Wildcard, IP:
		return query.Keyword
	case Long, Integer, Short, Byte, Boolean:
		return query.Int
	case Double, Float, HalfFloat, ScaledFloat:
		return query.Float
	case Date, DateNanos:
		return query.Date
	}
	return 0
}

// Whole reports whether values are whole numbers, and their bounds.
func (t Type) whole() (lo, hi int64, ok bool) {
	switch t {
	case Long:
		return math.MinInt64, math.MaxInt64, true
	case Integer:
		return math.MinInt32, math.MaxInt32, true
	case Short:
		return math.MinInt16, math.MaxInt16, true
	case Byte:
		return math.MinInt8, math.MaxInt8, true
	}
	return 0, 0, false
}

// Bounds returns the smallest and the largest whole number of the type; ok is false for other types.
func (t Type) Bounds() (lo, hi int64, ok bool) { return t.whole() }

// toHalf rounds v to the 16 bits of IEEE 754 and back.
func toHalf(v float64) float64 {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return v
	}
	_, exp := math.Frexp(v)
	step := math.Ldexp(1, max(exp-11, -24))
	r := math.RoundToEven(v/step) * step
	if math.Abs(r) > 65504 {
		return math.Inf(int(math.Copysign(1, v)))
	}
	return r
}
