package geoip

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/oschwald/maxminddb-golang/v2"

	"millrace/pipeline/event"
)

// place is a decoded record of the database.
type place struct {
	values   [fieldCount]event.Value // of scalars that belong to nobody
	empty    bool                    // nothing is worth telling
	network  netip.Prefix            // of the address that was looked up last
	lat, lon *float64
}

// location returns the coordinates as a hash.
func (p *place) location(e *event.Event) event.Value {
	if p.lat == nil || p.lon == nil {
		return event.Value{}
	}
	o := e.NewObject()
	o.Set("lat", event.FloatValue(*p.lat))
	o.Set("lon", event.FloatValue(*p.lon))
	return event.ObjectValue(o)
}

// named is a thing with names in several languages.
type named struct {
	Code    string `maxminddb:"code"`
	ISOCode string `maxminddb:"iso_code"`
	Names   struct {
		English string `maxminddb:"en"`
	} `maxminddb:"names"`
}

// system is what ASN and ISP databases, and the traits of Enterprise ones, say.
type system struct {
	Number       *uint64 `maxminddb:"autonomous_system_number"`
	Organization string  `maxminddb:"autonomous_system_organization"`
}

// flags are what Anonymous-IP databases, and the traits of Enterprise ones, say.
type flags struct {
	Hosting          bool `maxminddb:"is_hosting_provider"`
	Tor              bool `maxminddb:"is_tor_exit_node"`
	VPN              bool `maxminddb:"is_anonymous_vpn"`
	Anonymous        bool `maxminddb:"is_anonymous"`
	PublicProxy      bool `maxminddb:"is_public_proxy"`
	ResidentialProxy bool `maxminddb:"is_residential_proxy"`
}

// geography is a record of a City, Country or Enterprise database.
type geography struct {
	City      named `maxminddb:"city"`
	Continent named `maxminddb:"continent"`
	Country   named `maxminddb:"country"`
	Location  struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
		MetroCode *uint64  `maxminddb:"metro_code"`
		TimeZone  string   `maxminddb:"time_zone"`
	} `maxminddb:"location"`
	Postal struct {
		Code string `maxminddb:"code"`
	} `maxminddb:"postal"`
	Subdivisions []named `maxminddb:"subdivisions"`
	Traits       struct {
		system
		flags
	} `maxminddb:"traits"`
}

// network is a record of any other database.
type network struct {
	system
	flags
	ISP            string `maxminddb:"isp"`
	Organization   string `maxminddb:"organization"`
	Domain         string `maxminddb:"domain"`
	ConnectionType string `maxminddb:"connection_type"`
}

// decode reads a record.
func decode(r maxminddb.Result, k kind) (*place, error) {
	p := new(place)
	switch k {
	case city, country, enterprise:
		var g geography
		if err := r.Decode(&g); err != nil {
			return nil, err
		}
		p.geography(&g)
		p.empty = k == city && p.lat == nil && p.lon == nil // as in Logstash
		return p, nil
	}
	var n network
	if err := r.Decode(&n); err != nil {
		return nil, err
	}
	p.system(&n.system)
	p.flags(&n.flags)
	p.text(ispField, n.ISP)
	p.text(organizationField, n.Organization)
	p.text(domainField, n.Domain)
	p.text(connectionField, n.ConnectionType)
	return p, nil
}

func (p *place) geography(g *geography) {
	p.text(cityField, g.City.Names.English)
	p.text(continentCodeField, g.Continent.Code)
	p.text(continentField, g.Continent.Names.English)
	p.text(countryField, g.Country.Names.English)
	p.text(countryCode2Field, g.Country.ISOCode)
	p.text(countryCode3Field, g.Country.ISOCode) // so does Logstash: databases have no longer codes any more
	p.text(postalField, g.Postal.Code)
	p.text(timezoneField, g.Location.TimeZone)
	if n := len(g.Subdivisions); n > 0 {
		region := &g.Subdivisions[n-1] // the most specific one
		p.text(regionField, region.Names.English)
		p.text(regionCodeField, region.ISOCode)
		if region.ISOCode != "" && g.Country.ISOCode != "" {
			p.text(regionISOField, g.Country.ISOCode+"-"+region.ISOCode)
		}
	}
	if g.Location.MetroCode != nil {
		p.values[dmaField] = event.IntValue(int64(*g.Location.MetroCode))
	}
	p.lat, p.lon = g.Location.Latitude, g.Location.Longitude
	if p.lat != nil {
		p.values[latitudeField] = event.FloatValue(*p.lat)
	}
	if p.lon != nil {
		p.values[longitudeField] = event.FloatValue(*p.lon)
	}
	p.system(&g.Traits.system)
	p.flags(&g.Traits.flags)
}

// text keeps a copy: the database's memory goes when its file is replaced.
func (p *place) text(id fieldID, s string) {
	if s != "" {
		p.values[id] = event.StringValue(strings.Clone(s))
	}
}

func (p *place) system(s *system) {
	if s.Number != nil {
		p.values[asnField] = event.IntValue(int64(*s.Number))
	}
	p.text(asOrgField, s.Organization)
}

func (p *place) flags(f *flags) {
	for i, set := range []bool{f.Hosting, f.Tor, f.VPN, f.Anonymous, f.PublicProxy, f.ResidentialProxy} {
		p.values[hostingField+fieldID(i)] = event.BoolValue(set)
	}
}

// appendAddress appends an address as Java prints it: one of IPv6 with all of its groups.
func appendAddress(dst []byte, ip netip.Addr) []byte {
	if ip.Is4() {
		return ip.AppendTo(dst)
	}
	b := ip.As16()
	for i := 0; i < len(b); i += 2 {
		if i > 0 {
			dst = append(dst, ':')
		}
		dst = strconv.AppendUint(dst, uint64(b[i])<<8|uint64(b[i+1]), 16)
	}
	return dst
}
