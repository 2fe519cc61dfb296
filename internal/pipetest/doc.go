// Package pipetest runs test cases of pipelines: inputs of a configuration are replaced by the lines of a case, its outputs by a
// collector, and what comes out is compared with what the case expects.
//
// Cases stand in YAML or JSON files, in the format of logstash-filter-verifier (https://github.com/magnusbaeck/logstash-filter-verifier, versions 1
// and 2) with some additions, or in txtar files in the format of conformance/README.md. docs/TESTING.md describes both.
package pipetest
