//go:build !purego

package onig

import "unsafe"

// findEither returns where the first of the n bytes at p is that equals one of the two lowest bytes of word, n if there is none. n is blockSize at least.
//
//go:noescape
func findEither(p unsafe.Pointer, n int, word uint64) int

// findBlank returns where the first of the n bytes at p is that is a space or below, n if there is none. n is blockSize at least.
//
//go:noescape
func findBlank(p unsafe.Pointer, n int) int
