//go:build !amd64 || purego

package kv

import "millrace/pipeline/event"

// runPairs leaves everything to run.
func runPairs(_ *grammar, _ *layout, _ *byte, _, _, pos int, last uint64, _ *event.Part, _ int, _ bool) (n, next int, name uint64) {
	return 0, pos, last
}
