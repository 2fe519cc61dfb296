// Package esbulk sends bulk requests to Elasticsearch and loses nothing: it collects encoded operations from several workers into
// bodies, keeps a number of requests in flight that follows the cluster's latency and refusals, judges every operation by its own
// status, and settles a batch when all its operations are delivered, dead-lettered or dropped by a rule.
//
// It knows neither events nor HTTP. A worker fills a [Buffer] with operations and hands it to [Sender.Flush]; a [Transport] carries
// bodies to the cluster.
package esbulk
