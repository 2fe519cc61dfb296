// Package charset converts text of the character sets that Logstash's option charset names, which are Ruby's, to UTF-8, with the
// results that Logstash has: what cannot be converted becomes U+FFFD, and text that claims to be UTF-8 and is not is written with
// Ruby's escapes (caf\xE9).
package charset
