// Package page is the read-only web page of the program: search, live tail, pipeline, grok debugger and configuration, rendered on the
// server and served below one prefix of the API's port.
//
// It shows what strangers wrote into logs. Everything is escaped by html/template, nothing in a page is a script or a style of its own
// (the Content-Security-Policy forbids both), and what could turn text around or hide it is made visible.
package page

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"millrace/internal/logging"
	"millrace/pipeline/config"
	"millrace/pipeline/monitor"
	"millrace/pipeline/plugin"
)

// Prefix is where the page is mounted.
const Prefix = "/ui/"

// Options are what the page shows. Functions are called for each request and may be nil: the page says then that there is nothing.
type Options struct {
	Node    string // the node's name
	Version string
	Began   time.Time

	Pipelines func() []monitor.Snapshot
	Configs   func() []Config
	Targets   func() []Target // where delivered events can be searched

	// TapPath is where events are followed by server-sent events, with the list of points below it: "/_millrace/tap". Empty: nowhere.
	TapPath string

	// MaySee tells whether the sender of a request may see events, and if not, why. Nil: he may.
	MaySee func(*http.Request) (ok bool, why string)

	Registry *plugin.Registry // tells which options are secrets; nil: they are told by their names
	Lookup   config.Lookup    // ${NAME} in the options of grok; may be nil
	Log      *slog.Logger     // may be nil
}

// Config is the configuration that a pipeline runs.
type Config struct {
	Pipeline    string
	Settings    []Setting
	Files       []*config.File
	Diagnostics config.Diagnostics
	Loaded      time.Time

	Previous []*config.File // before the last reload; nil if there was none
	Refused  *Refused       // the last attempt to reload, if it failed
}

// Setting is one setting of a pipeline.
type Setting struct{ Name, Value string }

// Refused is a changed configuration that was not taken.
type Refused struct {
	At          time.Time
	Err         error // may be nil
	Diagnostics config.Diagnostics
}

// Target is an index, or a pattern of such, that can be searched.
type Target struct {
	Pipeline, Output string // the ids of the output that writes to it
	Index            string
	Searcher         Searcher
}

// Searcher asks Elasticsearch, or what speaks its API. Its methods may be called by several goroutines.
type Searcher interface {
	// Search sends body to the _search of index and returns the answer, whatever its status. An error says that no whole answer came.
	Search(ctx context.Context, index string, body []byte) (status int, answer []byte, err error)
}

// Page is the handler of everything below [Prefix].
type Page struct {
	options   Options
	log       *slog.Logger
	templates func() map[string]*template.Template // read at the first look: most programs are never looked at
	mux       *http.ServeMux
	searches  chan struct{} // a place for each search that runs
	matches   chan struct{} // a place for each request of the grok debugger
	notes     notes
	covers    coverCache
	zips      sync.Pool // of *gzip.Writer
}

// New returns the page.
func New(o Options) *Page {
	if o.Log == nil {
		o.Log = logging.Discard()
	}
	p := &Page{
		options: o, log: o.Log.With(logging.LoggerKey, "millrace.page"), templates: sync.OnceValue(parseTemplates),
		searches: make(chan struct{}, maxSearches), matches: make(chan struct{}, maxMatches),
	}
	p.zips.New = newZip
	p.mux = http.NewServeMux()
	for pattern, serve := range map[string]http.HandlerFunc{
		"GET " + Prefix + "{$}":           func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, Prefix+"search", http.StatusFound) },
		"GET " + Prefix + "search":        p.serveSearch,
		"GET " + Prefix + "live":          p.serveLive,
		"GET " + Prefix + "pipeline":      p.servePipeline,
		"GET " + Prefix + "grok":          p.serveGrok,
		"POST " + Prefix + "grok":         p.serveGrok,
		"GET " + Prefix + "grok/patterns": p.servePatterns,
		"GET " + Prefix + "config":        p.serveConfig,
		"GET " + Prefix + "assets/{name}": p.serveAsset,
		Prefix:                            p.serveNotFound,
		"GET " + Prefix + "search/{$}":    redirectTo("search"),
		"GET " + Prefix + "live/{$}":      redirectTo("live"),
		"GET " + Prefix + "pipeline/{$}":  redirectTo("pipeline"),
		"GET " + Prefix + "grok/{$}":      redirectTo("grok"),
		"GET " + Prefix + "config/{$}":    redirectTo("config"),
	} {
		p.mux.HandleFunc(pattern, serve)
	}
	return p
}

func redirectTo(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, Prefix+name, http.StatusFound) }
}

// policy lets a page load the script, style and pictures of this server and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer") // queries stand in addresses
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if !trustedHost(r) {
		p.fail(w, r, http.StatusMisdirectedRequest, "The page is served to this machine alone, by the names localhost and 127.0.0.1.")
		return
	}
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		p.fail(w, r, http.StatusForbidden, "The request comes from another site.")
		return
	}
	p.mux.ServeHTTP(w, r)
}

func (p *Page) serveNotFound(w http.ResponseWriter, r *http.Request) {
	p.fail(w, r, http.StatusNotFound, "There is no such page.")
}

func (p *Page) fail(w http.ResponseWriter, r *http.Request, code int, message string) {
	p.render(w, r, code, "error", &layout{Title: http.StatusText(code)}, struct{ Message string }{message})
}

func (p *Page) mask() masker { return masker{p.options.Registry, &p.covers} }

func (p *Page) snapshots() []monitor.Snapshot {
	if p.options.Pipelines == nil {
		return nil
	}
	return p.options.Pipelines()
}

func (p *Page) configs() []Config {
	if p.options.Configs == nil {
		return nil
	}
	return p.options.Configs()
}

func (p *Page) targets() []Target {
	if p.options.Targets == nil {
		return nil
	}
	return p.options.Targets()
}

// acquire takes a place, waiting a little for one.
func acquire(ctx context.Context, places chan struct{}, patience time.Duration) (release func(), ok bool) {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case places <- struct{}{}:
		return func() { <-places }, true
	case <-timer.C:
	case <-ctx.Done():
	}
	return nil, false
}

// cut shortens s to at most n bytes at the border of a character.
func cut(s string, n int) (short string, was bool) {
	if len(s) <= n {
		return s, false
	}
	s = s[:n]
	return strings.ToValidUTF8(s, ""), true
}
