// Package netflow reads NetFlow 5 and 9 and IPFIX. The packets are taken apart by the decoders of netsampler/goflow2; the names of the
// fields and what becomes of their values are Logstash's.
package netflow

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// Plugin defines the codec.
var Plugin = plugin.DefineCodec("netflow", Options{CacheTTL: 4000, Target: *event.MustPath("netflow"), Versions: []int{5, 9, 10}}, New)

// FailureTag marks packets that could not be decoded.
const FailureTag = "_netflowparsefailure"

// Options configures the codec. The comments below are its documentation.
type Options struct {
	// Minutes after which a template that was not sent again is forgotten.
	CacheTTL int `opt:"cache_ttl"`

	// Folder in which templates are kept over a restart, so that data that come before their template is sent again can be read.
	CacheSavePath string `opt:"cache_save_path,path"`

	// Field below which the flow is put.
	Target event.Path `opt:"target"`

	// Whether events of IPFIX tell the number of their template in flowset_id; those of version 9 always do.
	IncludeFlowsetID bool `opt:"include_flowset_id"`

	// Versions that are read: 5, 9 and 10, which is IPFIX. Packets of others are left out.
	Versions []int `opt:"versions"`

	// YAML file with fields of version 9 that are added or named differently: number: [":uint32", ":name"].
	NetflowDefinitions string `opt:"netflow_definitions,path,alias=definitions"`

	// YAML file with fields of IPFIX, by the number of the enterprise, 0 for the standard's.
	IpfixDefinitions string `opt:"ipfix_definitions,path"`
}

// New returns the codec.
func New(o Options, env *plugin.Env) (*plugin.Codec, error) {
	var errs []error
	accepted := make(map[uint16]bool)
	for _, v := range o.Versions {
		if v != 5 && v != 9 && v != 10 {
			errs = append(errs, plugin.OptionError("versions", fmt.Errorf("no version %d: 5, 9 or 10", v)))
		}
		accepted[uint16(v)] = true
	}
	if o.CacheTTL < 1 {
		errs = append(errs, plugin.OptionError("cache_ttl", fmt.Errorf("must be at least 1, not %d", o.CacheTTL)))
	}
	names := newNames()
	if o.NetflowDefinitions != "" {
		var fields map[uint32][]any
		err := readYAML(o.NetflowDefinitions, &fields)
		if err == nil {
			err = names.define(fieldID{version: 9}, fields)
		}
		errs = append(errs, optional("netflow_definitions", err))
	}
	if o.IpfixDefinitions != "" {
		var enterprises map[uint32]map[uint32][]any
		err := readYAML(o.IpfixDefinitions, &enterprises)
		for pen, fields := range enterprises {
			err = errors.Join(err, names.define(fieldID{version: 10, pen: pen}, fields))
		}
		errs = append(errs, optional("ipfix_definitions", err))
	}
	templates, err := newTemplates(o.CacheSavePath, time.Duration(o.CacheTTL)*time.Minute, env)
	errs = append(errs, optional("cache_save_path", err))
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &plugin.Codec{NewDecoder: func() plugin.Decoder {
		return &decoder{o: &o, accepted: accepted, names: names, templates: sender{templates: templates}}
	}}, nil
}

func optional(option string, err error) error {
	if err == nil {
		return nil
	}
	return plugin.OptionError(option, err)
}

func readYAML(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading field definitions: %w", err)
	}
	if err := yaml.Unmarshal(data, into); err != nil {
		return fmt.Errorf("reading field definitions in %q: %w", path, err)
	}
	return nil
}

// define takes fields of a definitions file: [type, name], or [":skip"].
func (n *names) define(id fieldID, fields map[uint32][]any) error {
	for number, f := range fields {
		if len(f) == 0 {
			return fmt.Errorf("field %d has no type", number)
		}
		kind, ok := kindOf(strings.TrimPrefix(fmt.Sprint(f[0]), ":"))
		if !ok {
			return fmt.Errorf("field %d has the unknown type %v", number, f[0])
		}
		name := strconv.Itoa(int(number))
		if len(f) > 1 {
			name = strings.TrimPrefix(fmt.Sprint(f[1]), ":")
		}
		id.number = uint16(number)
		n.fields[id] = namedField{name, kind}
	}
	return nil
}

// kindOf returns the kind of a type of the definition files. Their lengths do not matter: a template tells its own.
func kindOf(name string) (kind, bool) {
	switch name {
	case "ip4_addr", "ip6_addr":
		return ipKind, true
	case "mac_addr":
		return macKind, true
	case "string", "varstring":
		return textKind, true
	case "skip", "varskip":
		return skipKind, true
	case "forwarding_status":
		return forwardingKind, true
	case "application_id":
		return applicationKind, true
	case "acl_id_asa":
		return aclKind, true
	case "float", "double":
		return floatKind, true
	case "octetarray", "mpls_label_stack_octets":
		return bytesKind, true
	}
	if _, err := strconv.Atoi(strings.TrimPrefix(strings.TrimPrefix(name, "u"), "int")); err == nil {
		return numberKind, true
	}
	return 0, false
}
