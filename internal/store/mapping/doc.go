// Package mapping turns JSON documents into the typed fields that the store's engine indexes, as the mappings of an index say:
// types, dynamic mapping, dynamic templates, analysis of text, dates. It knows nothing of requests and nothing of files.
package mapping
