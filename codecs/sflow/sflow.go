// Package sflow reads sFlow version 5: what switches tell of some of the packets that they pass on, and of their counters.
package sflow

import (
	"errors"
	"fmt"
	"strings"

	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("sflow", Options{Versions: []int{5}, Removed: strings.Fields(usuallyRemoved)}, New)

// FailureTag marks datagrams that could not be decoded.
const FailureTag = "_sflowparsefailure"

const usuallyRemoved = "sflow_version header_size ip_header_length ip_dscp ip_ecn ip_total_length ip_identification ip_flags " +
	"ip_fragment_offset ip_ttl ip_checksum ip_options tcp_seq_number tcp_ack_number tcp_header_length tcp_reserved tcp_is_nonce " +
	"tcp_is_cwr tcp_is_ecn_echo tcp_is_urgent tcp_is_ack tcp_is_push tcp_is_reset tcp_is_syn tcp_is_fin tcp_window_size tcp_checksum " +
	"tcp_urgent_pointer tcp_options vlan_cfi sequence_number flow_sequence_number vlan_type udp_length udp_checksum"

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Versions that are read; 5 is the only one there is. Datagrams of others are left out.
	Versions []int `opt:"versions"`

	// Fields that events do not get.
	Removed []string `opt:"optional_removed_field,alias=removed_field"`

	// Whether the names of interfaces are asked for by SNMP. Millrace does not do that.
	SNMPInterface bool `opt:"snmp_interface"`

	// Has no effect without snmp_interface.
	SNMPCommunity string `opt:"snmp_community"`

	// Has no effect without snmp_interface.
	CacheSize int `opt:"interface_cache_size"`

	// Has no effect without snmp_interface.
	CacheTTL int `opt:"interface_cache_ttl"`
}

// New returns the codec.
func New(o Options, _ *plugin.Env) (*plugin.Codec, error) {
	var errs []error
	accepted := false
	for _, v := range o.Versions {
		if v != 5 {
			errs = append(errs, plugin.OptionError("versions", fmt.Errorf("no version %d: 5", v)))
		}
		accepted = true
	}
	if o.SNMPInterface {
		errs = append(errs, plugin.OptionError("snmp_interface", errors.New("nobody is asked by SNMP here: name the interfaces by the translate filter and a dictionary file")))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	removed := make(map[string]bool)
	for _, name := range o.Removed {
		removed[name] = true
	}
	tables := known()
	return &plugin.Codec{NewDecoder: func() plugin.Decoder {
		return &decoder{tables: tables, removed: removed, accepted: accepted}
	}}, nil
}
