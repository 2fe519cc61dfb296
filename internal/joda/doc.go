// Package joda reads and writes dates by the patterns of Joda-Time, which Logstash's date filter and %{+yyyy.MM.dd} use, and writes
// them by those of java.time (%{{yyyy-MM-dd}}). A format is compiled once; using it does not allocate.
//
// What it does is what Joda-Time 2.12 and java.time of JDK 17 do, down to their oddities; the tables in testdata were written by them.
package joda
