// Package text has the pure text and number functions of Ruby's standard library, with the results of Ruby 3.1, as functions over
// Go's own types: formatting, packing, dates, character sets, case, splitting, escaping and CSV. It knows nothing of an interpreter.
//
// A string is bytes that are meant to be UTF-8: what is not valid counts, as in Ruby, as one character per byte. Integers that
// do not fit 64 bits are big.Int. What Ruby raises is returned as an *Error that names the class of the exception.
package text
