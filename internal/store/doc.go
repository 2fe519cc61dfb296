// Package store is the HTTP side of the embedded store: it speaks the part of Elasticsearch's API that log shippers and people who look for
// logs need, on top of a query.Engine. What it does not know it refuses with an error of Elasticsearch's form that names it; docs/STORE.md
// lists what it knows.
package store
