// Package ruby runs the Ruby of configurations: what the code of a ruby filter, its scripts, and the code of an aggregate filter use of the language
// and of its libraries. The reference is JRuby 9.4, which behaves as Ruby 3.1.
//
// A [Program] is code that was read once: [syntax.Parse] makes a tree, and the tree is compiled to nodes that know where the local variables of a frame
// stand and which method a call found the last time. An [Interp] runs programs; it is used by one goroutine at a time. What code raises comes back as an
// [*Error]; nothing that code or data does ends the process.
package ruby
