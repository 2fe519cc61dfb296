// Package config reads the Logstash configuration language: text to syntax tree (Parse), the values of a
// plugin's options with environment variables, merging and order as Logstash has them (Evaluator), and their
// decoding into an options struct (Decode). Every mistake becomes a Diagnostic with its place in the text;
// nothing stops at the first one.
//
// The package knows no plugin and imports nothing but the standard library.
package config
