package page

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

//go:embed assets/* templates/*.html
var files embed.FS

// layout is what every page has around its own part.
type layout struct {
	Title    string
	Tab      string // of the navigation
	Node     string
	Version  string
	Up       string
	Location *time.Location
	Fragment bool
	Data     any
}

// parseTemplates reads the templates, which are part of the program.
func parseTemplates() map[string]*template.Template {
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		panic("BUG: " + err.Error())
	}
	out := make(map[string]*template.Template)
	for _, name := range names {
		base := strings.TrimSuffix(path.Base(name), ".html")
		if base == "layout" {
			continue
		}
		t := template.New(base).Funcs(functions())
		out[base] = template.Must(t.ParseFS(files, "templates/layout.html", name))
	}
	return out
}

// render answers with a page, or with the part of it that is fetched again and again.
func (p *Page) render(w http.ResponseWriter, r *http.Request, code int, name string, l *layout, data any) {
	l.Node, l.Version, l.Data = p.options.Node, p.options.Version, data
	if !p.options.Began.IsZero() {
		l.Up = duration(time.Since(p.options.Began))
	}
	l.Fragment = r.URL.Query().Has("fragment")
	l.Location = location(r)
	block := "page"
	if l.Fragment {
		block = "fragment"
	}
	var b bytes.Buffer
	if err := p.templates()[name].ExecuteTemplate(&b, block, l); err != nil {
		p.log.Error("a page could not be rendered", "page", name, "error", err)
		http.Error(w, "The page could not be rendered.", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	p.send(w, r, code, b.Bytes())
}

// smallest is the size from which compressing pays.
const smallest = 1 << 10

func (p *Page) send(w http.ResponseWriter, r *http.Request, code int, body []byte) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if len(body) >= smallest && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		body = p.compressed(body)
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(code)
	_, _ = w.Write(body) // an error is the client's
}

func (p *Page) compressed(body []byte) []byte {
	var b bytes.Buffer
	z := p.zips.Get().(*gzip.Writer)
	defer p.zips.Put(z)
	z.Reset(&b)
	_, _ = z.Write(body) // into memory
	_ = z.Close()
	return b.Bytes()
}

func newZip() any {
	z, err := gzip.NewWriterLevel(nil, 3)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	return z
}

// asset is a file that pages load, with the hash by which they name its version.
type asset struct {
	kind string
	body []byte
	hash string
}

// assets returns the files that pages load, by name.
var assets = sync.OnceValue(func() map[string]asset {
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	out := make(map[string]asset)
	entries, err := files.ReadDir("assets")
	if err != nil {
		panic("BUG: " + err.Error())
	}
	for _, e := range entries {
		body, err := files.ReadFile("assets/" + e.Name())
		if err != nil {
			panic("BUG: " + err.Error())
		}
		sum := sha256.Sum256(body)
		out[e.Name()] = asset{kinds[path.Ext(e.Name())], body, hex.EncodeToString(sum[:6])}
	}
	return out
})

// assetURL is the address of a file, which changes with its content.
func assetURL(name string) string { return Prefix + "assets/" + name + "?" + assets()[name].hash }

func (p *Page) serveAsset(w http.ResponseWriter, r *http.Request) {
	a, ok := assets()[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "no-cache")
	if r.URL.RawQuery == a.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	h.Set("ETag", `"`+a.hash+`"`)
	if r.Header.Get("If-None-Match") == `"`+a.hash+`"` {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	p.send(w, r, http.StatusOK, a.body)
}
