package main

import (
	"io"

	jsoniter "github.com/json-iterator/go"
)

// printJSON writes v indented, for --format json.
func printJSON(w io.Writer, v any) error {
	enc := jsoniter.ConfigCompatibleWithStandardLibrary.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
