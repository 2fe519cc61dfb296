package geoip

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// fieldID is something that databases tell of an address.
type fieldID uint8

// The order is that in which Logstash sets the fields.
const (
	asnField fieldID = iota
	asOrgField
	cityField
	countryField
	continentCodeField
	continentField
	countryCode2Field
	countryCode3Field
	domainField
	ipField
	ispField
	postalField
	dmaField
	regionField
	regionCodeField
	regionISOField
	timezoneField
	locationField
	latitudeField
	longitudeField
	organizationField
	networkField
	connectionField
	hostingField
	torField
	vpnField
	anonymousField
	publicProxyField
	residentialProxyField
	fieldCount
)

// field is what a fieldID is called: in the option fields, and below the target in both schemes.
type field struct{ option, legacy, ecs string }

var fieldTable = [fieldCount]field{
	asnField:              {"autonomous_system_number", "asn", "as.number"},
	asOrgField:            {"autonomous_system_organization", "as_org", "as.organization.name"},
	cityField:             {"city_name", "city_name", "geo.city_name"},
	countryField:          {"country_name", "country_name", "geo.country_name"},
	continentCodeField:    {"continent_code", "continent_code", "geo.continent_code"},
	continentField:        {"continent_name", "continent_name", "geo.continent_name"},
	countryCode2Field:     {"country_code2", "country_code2", "geo.country_iso_code"},
	countryCode3Field:     {"country_code3", "country_code3", ""},
	domainField:           {"domain", "domain", "domain"},
	ipField:               {"ip", "ip", "ip"},
	ispField:              {"isp", "isp", "mmdb.isp"},
	postalField:           {"postal_code", "postal_code", "geo.postal_code"},
	dmaField:              {"dma_code", "dma_code", "mmdb.dma_code"},
	regionField:           {"region_name", "region_name", "geo.region_name"},
	regionCodeField:       {"region_code", "region_code", "geo.region_code"},
	regionISOField:        {"region_iso_code", "region_iso_code", "geo.region_iso_code"},
	timezoneField:         {"timezone", "timezone", "geo.timezone"},
	locationField:         {"location", "location", "geo.location"},
	latitudeField:         {"latitude", "latitude", "geo.location.lat"},
	longitudeField:        {"longitude", "longitude", "geo.location.lon"},
	organizationField:     {"organization", "organization", "mmdb.organization"},
	networkField:          {"network", "network", "ip_traits.network"},
	connectionField:       {"connection_type", "connection_type", "mmdb.connection_type"},
	hostingField:          {"hosting_provider", "hosting_provider", "ip_traits.hosting_provider"},
	torField:              {"tor_exit_node", "tor_exit_node", "ip_traits.tor_exit_node"},
	vpnField:              {"anonymous_vpn", "anonymous_vpn", "ip_traits.anonymous_vpn"},
	anonymousField:        {"anonymous", "anonymous", "ip_traits.anonymous"},
	publicProxyField:      {"public_proxy", "public_proxy", "ip_traits.public_proxy"},
	residentialProxyField: {"residential_proxy", "residential_proxy", "ip_traits.residential_proxy"},
}

// parseFields reads the option fields.
func parseFields(names []string) ([]fieldID, error) {
	var ids []fieldID
	var errs []error
	all := make([]string, fieldCount)
	for i := range fieldTable {
		all[i] = fieldTable[i].option
	}
	for _, name := range names {
		i := slices.Index(all, strings.ToLower(name))
		if i < 0 {
			err := plugin.OptionError("fields", fmt.Errorf("unknown field %q", name))
			hint := config.DidYouMean(strings.ToLower(name), all)
			if hint == "" {
				hint = "one of " + strings.Join(all, ", ")
			}
			errs = append(errs, plugin.Hinted(err, "%s", hint))
			continue
		}
		ids = append(ids, fieldID(i))
	}
	return ids, errors.Join(errs...)
}

// defaultFields are those that are told if the option fields is not given.
func defaultFields(k kind, ecs bool) []fieldID {
	switch k {
	case city:
		region := regionCodeField
		if ecs {
			region = regionISOField
		}
		return []fieldID{ipField, cityField, continentCodeField, countryField, countryCode2Field, countryCode3Field, postalField, dmaField, regionField, region,
			timezoneField, locationField, latitudeField, longitudeField}
	case country:
		return []fieldID{ipField, countryCode2Field, countryField, continentField}
	case domain:
		return []fieldID{domainField}
	case asn:
		return []fieldID{ipField, asnField, asOrgField}
	case isp:
		return []fieldID{ipField, asnField, asOrgField, ispField, organizationField}
	case connectionType:
		return []fieldID{connectionField}
	case enterprise:
		return []fieldID{ipField, countryCode2Field, countryField, continentField, regionISOField, regionField, cityField, locationField}
	case anonymous:
		return []fieldID{hostingField, torField, vpnField, anonymousField, publicProxyField, residentialProxyField}
	}
	return nil
}

// knows reports whether databases of a kind tell a field.
func knows(k kind, id fieldID) bool {
	flags := id >= hostingField && id <= residentialProxyField
	switch k {
	case city:
		return id >= cityField && id <= longitudeField && id != domainField && id != ispField
	case country:
		return id == ipField || id == countryCode2Field || id == countryField || id == continentField
	case domain:
		return id == domainField
	case asn:
		return id == ipField || id == asnField || id == asOrgField || id == networkField
	case isp:
		return id == ipField || id == asnField || id == asOrgField || id == ispField || id == organizationField
	case connectionType:
		return id == ipField || id == connectionField
	case enterprise:
		return flags || slices.Contains([]fieldID{asnField, asOrgField, networkField, timezoneField}, id) || slices.Contains(defaultFields(k, true), id)
	case anonymous:
		return flags || id == ipField
	}
	return false
}

// fieldPath returns the reference to a field below the target; false if the scheme has none.
func fieldPath(target *event.Path, id fieldID, ecs bool) (event.Path, bool) {
	name := fieldTable[id].legacy
	if ecs {
		name = fieldTable[id].ecs
	}
	if name == "" {
		return event.Path{}, false
	}
	p := *target
	for part := range strings.SplitSeq(name, ".") {
		p = p.Join(part)
	}
	return p, true
}
