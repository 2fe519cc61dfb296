package page

import (
	"fmt"
	"testing"
	"time"

	"millrace/internal/page/pagetest"
)

// TestScreenshots keeps a picture of every page: light, dark, and as wide as a phone.
func TestScreenshots(t *testing.T) {
	b := pagetest.Open(t)
	d := newDemo(t, demoEvents(4000, time.Now()), nil)
	shoot := func(name, path string, prepare func()) {
		for _, look := range []struct {
			name          string
			dark          bool
			width, height int64
		}{{"light", false, 1280, 860}, {"dark", true, 1280, 860}, {"phone", false, 360, 780}} {
			b.Size(look.width, look.height)
			b.Dark(look.dark)
			b.Goto(d.URL + path)
			if prepare != nil {
				prepare()
			}
			b.Screenshot(name + "-" + look.name)
		}
	}
	shoot("search", "/ui/search", nil)
	shoot("search-columns", "/ui/search?q=http.response.status_code:503&range=1h&cols=container.name,http.response.status_code,url.original", func() { b.Click("details.hit summary") })
	shoot("live", "/ui/live", func() {
		b.Until(`document.querySelector("#dot.on")`)
		for i := range 30 {
			d.tap.send(fmt.Sprintf(`{"at":"output","time":"2026-01-01T00:00:00Z","event":{"@timestamp":"2026-01-01T12:00:%02d.120Z","message":"198.51.100.7 - - GET /api/orders/%d HTTP/1.1 200 5123","container":{"name":"web-1"},"http":{"response":{"status_code":200}},"tags":["access"]}}`, i, i))
		}
		b.Until(`document.querySelectorAll("#tail .hit").length >= 30`)
	})
	shoot("pipeline", "/ui/pipeline", nil)
	shoot("grok", "/ui/grok?filter=1", func() {
		b.Click("#lines")
		b.Type(`198.51.100.7 - - [10/Oct/2023:13:55:36 +0000] "GET / HTTP/1.1" 200 512 "-" "curl/8"` + "\r")
		b.Type(`198.51.100.7 - - [10/Foo/2023:13:55:36 +0000] "GET / HTTP/1.1" 200 512 "-" "curl/8"`)
		b.Click("#grok button[type=submit]")
		b.Until(`document.querySelector(".result.bad")`)
	})
	shoot("config", "/ui/config", nil)
}
