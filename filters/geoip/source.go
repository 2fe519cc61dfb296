package geoip

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/oschwald/maxminddb-golang/v2"
)

// database is an open database. It is closed when nobody refers to it any more.
type database struct {
	path   string
	reader *maxminddb.Reader
	kind   kind
	stamp  stamp
}

// stamp tells whether a file may have changed.
type stamp struct {
	path     string
	modified time.Time
	size     int64
}

// source is where the database comes from. open and reopen are called by one goroutine at a time.
type source struct {
	path    string // of the option; "" if it is to be looked for
	kind    string // of the database to look for
	dataDir string

	current atomic.Pointer[database]
	last    stamp // of the file that was tried last
}

// places are the folders that a database is looked for in.
func (s *source) places() []string {
	var dirs []string
	if s.dataDir != "" {
		dirs = append(dirs, filepath.Join(s.dataDir, "geoip"), s.dataDir, filepath.Join(s.dataDir, "geoip_database_management", "*"))
	}
	return append(dirs, "/usr/share/GeoIP", "/var/lib/GeoIP", "/usr/local/share/GeoIP",
		"/var/lib/logstash/geoip_database_management/*", "/usr/share/logstash/data/geoip_database_management/*",
		"/usr/share/logstash/vendor/bundle/jruby/*/gems/logstash-filter-geoip-*/vendor")
}

// locate returns the file to open, "" if there is none: of several in one kind of folder the newest.
func (s *source) locate() (path string, st stamp, err error) {
	if s.path != "" {
		info, err := os.Stat(s.path)
		if err != nil {
			return "", st, err
		}
		return s.path, stamp{s.path, info.ModTime(), info.Size()}, nil
	}
	for _, dir := range s.places() {
		for _, product := range []string{"GeoIP2-", "GeoLite2-"} {
			files, _ := filepath.Glob(filepath.Join(dir, product+s.kind+".mmdb"))
			for _, file := range files {
				info, err := os.Stat(file)
				if err == nil && info.Mode().IsRegular() && (path == "" || info.ModTime().After(st.modified)) {
					path, st = file, stamp{file, info.ModTime(), info.Size()}
				}
			}
		}
		if path != "" {
			return path, st, nil
		}
	}
	return "", st, nil
}

// open opens the database that there is. No database is no error unless the option names one.
func (s *source) open() error {
	path, st, err := s.locate()
	if err != nil || path == "" {
		return err
	}
	s.last = st
	r, err := maxminddb.Open(path)
	if err != nil && filepath.Ext(path) == ".dat" {
		return fmt.Errorf("opening the geoip database %q: it is in MaxMind's old format; get the one whose name ends in .mmdb: %w", path, err)
	}
	if err != nil {
		return fmt.Errorf("opening the geoip database %q: it is no database or damaged: %w", path, err)
	}
	db := &database{path: path, reader: r, kind: kindOf(r.Metadata.DatabaseType), stamp: st}
	runtime.AddCleanup(db, func(r *maxminddb.Reader) { _ = r.Close() }, r)
	s.current.Store(db)
	return nil
}

// reopen opens the database again if its file changed.
func (s *source) reopen() (changed bool, err error) {
	path, st, err := s.locate()
	if err != nil || path == "" || st == s.last {
		return false, err
	}
	return true, s.open()
}

// guarded calls f, which reads mapped memory. A file that somebody shortens under our eyes, instead of replacing it, makes the read fault: an
// error then, as are the inconsistencies that such a file has.
func guarded(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the file was changed in place: %v", r)
		}
	}()
	return f()
}

// kind is the kind of a database.
type kind uint8

const (
	unknown kind = iota
	city
	country
	domain
	asn
	isp
	connectionType
	enterprise
	anonymous
)

// kindOf tells the kind by the type in the database, "GeoLite2-City" or "DBIP-ASN-Lite (compat=GeoLite2-ASN)".
func kindOf(databaseType string) kind {
	names := []string{city: "City", country: "Country", domain: "Domain", asn: "ASN", isp: "ISP", connectionType: "Connection-Type", enterprise: "Enterprise", anonymous: "Anonymous"}
	i := slices.IndexFunc(names, func(n string) bool { return n != "" && strings.Contains(databaseType, n) })
	return kind(max(i, 0))
}
