package collectd

import (
	"bufio"
	"fmt"
	"maps"
	"os"
	"strings"
)

// knownTypes names the values of collectd's types that have several.
const knownTypes = `
arc_counts demand_data demand_metadata prefetch_data prefetch_metadata
arc_l2_bytes read write
compression uncompressed compressed
df used free
disk_io_time io_time weighted_io_time
disk_latency read write
disk_merged read write
disk_octets read write
disk_ops read write
disk_time read write
dns_octets queries responses
if_dropped rx tx
if_errors rx tx
if_octets rx tx
if_packets rx tx
io_octets rx tx
io_packets rx tx
load shortterm midterm longterm
memcached_octets rx tx
mysql_octets rx tx
node_octets rx tx
ps_count processes threads
ps_cputime user syst
ps_disk_octets read write
ps_disk_ops read write
ps_pagefaults minflt majflt
serial_octets rx tx
smart_attribute current worst threshold pretty
vmpage_faults minflt majflt
vmpage_io in out
voltage_threshold value threshold
`

// readTypes returns the names of the values of all types that are known.
func readTypes(paths []string) (map[string][]string, error) {
	types := make(map[string][]string)
	for line := range strings.Lines(knownTypes) {
		if words := strings.Fields(line); len(words) > 0 {
			types[words[0]] = words[1:]
		}
	}
	for _, path := range paths {
		more, err := readTypesFile(path)
		if err != nil {
			return nil, err
		}
		maps.Copy(types, more)
	}
	return types, nil
}

// readTypesFile reads lines such as "if_octets  rx:DERIVE:0:U, tx:DERIVE:0:U".
func readTypesFile(path string) (map[string][]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("reading types: %w", err)
	}
	defer f.Close()
	types := make(map[string][]string)
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		words := strings.Fields(lines.Text())
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		var names []string
		for _, w := range words[1:] {
			name, _, _ := strings.Cut(w, ":")
			names = append(names, name)
		}
		types[words[0]] = names
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading types in %q: %w", path, err)
	}
	return types, nil
}
