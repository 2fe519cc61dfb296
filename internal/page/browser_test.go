package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"

	"millrace/internal/page/pagetest"
	"millrace/pipeline/config"
	"millrace/pipeline/monitor"
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
		b.Follow("#grok button[type=submit]")
	})
	shoot("config", "/ui/config", nil)
}

// everyPage lists the pages with something on them.
func everyPage() []string {
	return []string{
		"/ui/search", "/ui/search?range=24h&cols=message,container.name,http.response.status_code&q=error", "/ui/live", "/ui/pipeline", "/ui/grok?filter=1",
		"/ui/grok/patterns", "/ui/config", "/ui/nothing",
	}
}

func TestNoPageScrollsSideways(t *testing.T) {
	b := pagetest.Open(t)
	d := newDemo(t, demoEvents(500, time.Now()), nil)
	for _, width := range []int64{360, 768, 1280} {
		b.Size(width, 780)
		for _, path := range everyPage() {
			b.Goto(d.URL + path)
			require.LessOrEqual(t, pagetest.Eval[int64](b, `document.documentElement.scrollWidth`), width, "%s at %d px", path, width)
		}
	}
	require.Equal(t, []string{"Failed to load resource: the server responded with a status of 404 (Not Found)"}, slices.Compact(b.Problems()), "the page that is not there")
}

func TestColourSchemes(t *testing.T) {
	b := pagetest.Open(t)
	d := newDemo(t, demoEvents(100, time.Now()), nil)
	// luminance is that of a colour that the browser tells as rgb(…).
	const colours = `(() => { const l = (c) => { const [r, g, b] = c.match(/\d+/g).map(Number); return (299 * r + 587 * g + 114 * b) / 1000; };
		const s = getComputedStyle(document.body); return [l(s.backgroundColor), l(s.color)]; })()`
	for _, path := range everyPage() {
		b.Dark(false)
		b.Goto(d.URL + path)
		light := pagetest.Eval[[]float64](b, colours)
		require.Greater(t, light[0], light[1]+120, "light: %s", path)
		b.Dark(true)
		dark := pagetest.Eval[[]float64](b, colours)
		require.Less(t, dark[0], dark[1]-120, "dark: %s", path)
	}
}

func TestHistogramAddsUpAndNarrows(t *testing.T) {
	b := pagetest.Open(t)
	d := newDemo(t, demoEvents(3000, time.Now()), nil)
	b.Goto(d.URL + "/ui/search?range=1h")
	const sum = `[...document.querySelectorAll(".histogram .bar")].reduce((n, r) => n + +r.dataset.count, 0)`
	const total = `+document.querySelector(".total").textContent.replace(/\D/g, "")`
	all := pagetest.Eval[int64](b, total)
	require.Greater(t, all, int64(2500))
	require.Equal(t, all, pagetest.Eval[int64](b, sum))

	// A click on a bar searches its time.
	n := pagetest.Eval[int64](b, `+document.querySelector(".histogram a:nth-last-of-type(2) .bar").dataset.count`)
	b.Follow(".histogram a:nth-last-of-type(2) .reach")
	require.Equal(t, n, pagetest.Eval[int64](b, total))
	require.Equal(t, n, pagetest.Eval[int64](b, sum))
	require.False(t, pagetest.Eval[bool](b, `document.querySelector(".absolute").hidden`))

	// So does dragging over some of them.
	b.Goto(d.URL + "/ui/search?range=1h")
	box := pagetest.Eval[[]float64](b, `(() => { const r = document.querySelector(".histogram").getBoundingClientRect(); return [r.left, r.top, r.width, r.height]; })()`)
	b.Drag(box[0]+box[2]*0.5, box[1]+20, box[0]+box[2]*0.9, box[1]+30)
	b.Until(`location.search.includes("absolute") && document.readyState === "complete"`)
	some := pagetest.Eval[int64](b, total)
	require.Equal(t, some, pagetest.Eval[int64](b, sum))
	require.Less(t, some, all)
	length := pagetest.Eval[int64](b, `(() => { const p = new URLSearchParams(location.search); return p.get("to") - p.get("from"); })()`)
	require.InDelta(t, 0.4*3600_000, length, 60_000)
	require.Empty(t, b.Problems())
}

func TestTimesAreThoseOfTheBrowser(t *testing.T) {
	es := new(pagetest.Elasticsearch)
	es.Add(`{"@timestamp":"2026-01-31T22:30:00.000Z","message":"late"}`)
	d := newDemo(t, es, nil)
	b := pagetest.Open(t)
	b.Zone("Asia/Tokyo")
	b.Goto(d.URL + "/ui/search?range=absolute&from=1769898600000&to=1769902200000")
	b.Until(`document.querySelector(".zone").textContent === "Asia/Tokyo"`)
	require.Equal(t, "2026-02-01 07:30:00.000", b.Text(".hit time"))
	require.Equal(t, "2026-02-01T07:30", pagetest.Eval[string](b, `document.getElementById("from").value`))
	b.Follow(".searchbar button")
	require.Equal(t, "1", b.Text(".total"), "the times of the form are of the same zone")
	require.Empty(t, b.Problems())
}

func TestPaging(t *testing.T) {
	b := pagetest.Open(t)
	d := newDemo(t, demoEvents(130, time.Now()), nil)
	b.Goto(d.URL + "/ui/search?range=24h")
	const ids = `[...document.querySelectorAll("details.hit > p code:last-child")].map((c) => c.textContent)`
	seen := make(map[string]bool)
	for page := 1; ; page++ {
		for _, id := range pagetest.Eval[[]string](b, ids) {
			require.False(t, seen[id], "%s is on two pages", id)
			seen[id] = true
		}
		require.Contains(t, b.Text(".pager"), fmt.Sprintf("%d–%d of 130", page*50-49, min(page*50, 130)))
		if !pagetest.Eval[bool](b, `!!document.querySelector("a[rel=next]")`) {
			break
		}
		b.Follow("a[rel=next]")
	}
	require.Len(t, seen, 130)
	b.Follow(".pager a")
	require.Contains(t, b.Text(".pager"), "1–50 of 130")
}

func TestKeyboard(t *testing.T) {
	b := pagetest.Open(t)
	d := newDemo(t, demoEvents(300, time.Now()), nil)
	b.Goto(d.URL + "/ui/search")
	const focus = `(() => { const e = document.activeElement; return e.id || e.name || e.className || e.textContent.trim() || e.tagName; })()`

	// The order of Tab is that of reading: to the content, the brand, the pages, the query, the range, the rest of the form.
	var order []string
	for range 11 {
		b.Type(kb.Tab)
		order = append(order, pagetest.Eval[string](b, focus))
	}
	require.Equal(t, []string{"skip", "brand", "Search", "Live", "Pipeline", "Grok", "Config", "q", "range", "refresh", "Search"}, order)

	// "/" goes to the query from anywhere, and is a letter inside it; Enter searches.
	b.Type("/")
	require.Equal(t, "q", pagetest.Eval[string](b, focus))
	b.Type("url.original:/login" + kb.Enter)
	b.Until(`new URLSearchParams(location.search).get("q") === "url.original:/login" && document.readyState === "complete"`)
	require.NotContains(t, pagetest.Eval[string](b, `[...document.querySelectorAll(".hit .doc")].map((d) => d.textContent).join("")`), "/cart")

	// A hit opens by Enter and offers what can be done with a value, to the keyboard too.
	b.Do(chromedp.Focus(chromedp.CSS("details.hit summary")))
	b.Type(kb.Enter)
	b.Until(`document.querySelector("details.hit[open] .act button")`)
	b.Type(kb.Tab)
	require.Contains(t, pagetest.Eval[string](b, `document.activeElement.getAttribute("aria-label")`), "Search for this value")
	require.True(t, pagetest.Eval[bool](b, `document.activeElement.getBoundingClientRect().height > 0 && getComputedStyle(document.activeElement).outlineStyle !== "none"`))
	b.Do(chromedp.Focus(chromedp.CSS(`[aria-label="Show as a column: container.name"]`)))
	b.Type(kb.Enter)
	b.Until(`document.querySelector(".hithead")?.textContent.includes("container.name")`)

	// The skip link leads to the content.
	b.Goto(d.URL + "/ui/config")
	b.Type(kb.Tab + kb.Enter)
	require.Equal(t, "main", pagetest.Eval[string](b, focus))
	require.Empty(t, b.Problems())
}

// hostile are texts that would run, hide or turn around something if they were not taken as text.
func hostile() []string {
	return []string{
		`<script>window.hacked=1</script>`, `"><img src=x onerror="window.hacked=1">`, `'><svg onload=window.hacked=1>`, `javascript:window.hacked=1`,
		`</textarea></title></style></script><script>window.hacked=1</script>`, `{{.Data}}`, `&lt;b&gt;`, "a\u202Egnp.exe\u202C b", "\u0000\u0007\u001b[31m",
		"x\u2028y\u2066z", `=cmd|'/C calc'!A0`, `${jndi:ldap://x}`, `%{IP}`,
	}
}

// isText checks that nothing of the texts became markup or ran.
func isText(t *testing.T, b *pagetest.Browser) {
	t.Helper()
	require.False(t, pagetest.Eval[bool](b, `!!window.hacked`))
	require.Zero(t, pagetest.Eval[int](b, `document.querySelectorAll("main script, main img, main [onerror], main [onload], main style, main a[href^='javascript:' i], main iframe").length`))
	require.Zero(t, pagetest.Eval[int](b, `(document.body.innerText.match(/[\u202a-\u202e\u2066-\u2069\u0000-\u0008]/g) || []).length`))
	require.LessOrEqual(t, pagetest.Eval[int64](b, `document.documentElement.scrollWidth`), int64(1280))
}

func TestHostileEventsStayText(t *testing.T) {
	es := new(pagetest.Elasticsearch)
	now := time.Now().UTC().Format("2006-01-02T15:04:05.000Z")
	for _, s := range hostile() {
		doc, err := json.Marshal(map[string]any{"@timestamp": now, "message": s, s: s, "list": []any{s, map[string]any{s: s}}, "nested": map[string]any{s: 1}})
		require.NoError(t, err)
		es.Add(string(doc))
	}
	big := strings.Repeat("A", 1<<20)
	es.Add(`{"@timestamp":"`+now+`","message":"`+big+`"}`, `{"@timestamp":"`+now+`","message":"broken `+"\xff\xfe\xc3"+` text"}`)
	file := parsed(t, demoConfig)
	nasty := `<script>window.hacked=1</script>"><img src=x onerror=window.hacked=1>`
	d := newDemo(t, es, func(o *Options) {
		o.Node, o.Version = nasty, nasty
		o.Configs = func() []Config {
			f, diags := config.Parse("/etc/"+nasty, []byte(`filter { if [a] == "`+strings.ReplaceAll(nasty, `"`, "'")+`" { mutate { id => '`+nasty+`' add_tag => ['`+nasty+`'] } grok { match => { "message" => '`+nasty+`' } } } } # `+nasty+"\n"), config.ParseOptions{})
			require.False(t, diags.HasErrors(), diags.String())
			return []Config{{
				Pipeline: nasty, Settings: []Setting{{nasty, nasty}}, Files: []*config.File{f}, Previous: []*config.File{file}, Loaded: time.Now(),
				Diagnostics: config.Diagnostics{{Severity: config.Warning, File: f.Name, Pos: config.Pos{Line: 1}, Summary: nasty, Detail: nasty, Hint: nasty}},
				Refused:     &Refused{At: time.Now(), Err: errors.New(nasty), Diagnostics: config.Diagnostics{{File: nasty, Summary: nasty, Detail: nasty, Hint: nasty}}},
			}}
		}
		o.Pipelines = func() []monitor.Snapshot {
			s := demoSnapshot(t)
			s.ID, s.Files = nasty, nil
			s.Filters[0].Name, s.Filters[0].ID, s.Filters[0].FailureTag = nasty, nasty, nasty
			s.Outputs[0].Own["requests"].(map[string]any)["failing"] = nasty
			s.DeadLetters.LastError = nasty
			return []monitor.Snapshot{s}
		}
	})
	b := pagetest.Open(t)
	b.Size(1280, 800)
	b.Goto(d.URL + "/ui/search")
	require.Contains(t, b.Text(".total"), fmt.Sprint(len(hostile())+2))
	b.Run(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`)
	b.Until(`document.querySelector(".act button")`)
	isText(t, b)
	text := pagetest.Eval[string](b, `document.querySelector("main").textContent`)
	require.Contains(t, text, `"><img src=x onerror="window.hacked=1">`)
	require.Contains(t, text, "⟨U+202E⟩")
	require.Contains(t, text, "(1 MiB in all)")
	require.Less(t, pagetest.Eval[int](b, `document.documentElement.outerHTML.length`), 400_000, "a field of a megabyte is cut")
	for _, s := range hostile() {
		cols := url.Values{"cols": {s}, "q": {s}, "target": {s}, "from": {s}, "to": {s}, "after": {s}, "range": {s}, "at": {s}, "if": {s}, "sample": {s}}
		for _, path := range []string{"/ui/search?cols=" + url.QueryEscape(s), "/ui/search?q=" + url.QueryEscape(s), "/ui/search?" + cols.Encode(), "/ui/live?" + cols.Encode()} {
			b.Goto(d.URL + path)
			isText(t, b)
		}
	}
	for _, path := range []string{"/ui/pipeline", "/ui/config", "/ui/grok?filter=1"} {
		b.Goto(d.URL + path)
		b.Run(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`)
		isText(t, b)
		require.Contains(t, pagetest.Eval[string](b, `document.body.textContent`), `<script>window.hacked=1</script>`, path)
	}
	b.Goto(d.URL + "/ui/grok")
	for _, s := range hostile() {
		b.SetValue("#pattern", "^"+regexp.QuoteMeta(s[:1])+"(?<it>.*)")
		b.SetValue("#lines", s)
		b.SetValue("#definitions", "X "+s)
		b.Follow("#grok button[type=submit]")
		isText(t, b)
	}
	for _, p := range b.Problems() {
		require.Contains(t, p, "status of 4", "only what was refused")
	}
}

func TestHostileLive(t *testing.T) {
	d := newDemo(t, new(pagetest.Elasticsearch), nil)
	b := pagetest.Open(t)
	b.Size(1280, 800)
	b.Goto(d.URL + "/ui/live")
	b.Until(`document.querySelector("#dot.on")`)
	for _, s := range hostile() {
		doc, err := json.Marshal(map[string]any{"at": s, "time": s, "event": map[string]any{"@timestamp": s, "message": s, s: s, "list": []any{s}}})
		require.NoError(t, err)
		d.tap.send(string(doc))
	}
	cut, err := json.Marshal(map[string]any{"at": "output", "time": "2026-01-01T00:00:00Z", "truncated": true, "size": 1 << 20, "text": hostile()[0] + strings.Repeat("B", 16<<10)})
	require.NoError(t, err)
	d.tap.send(string(cut), `{"event":"not an object","time":"x"}`)
	b.Until(fmt.Sprintf(`document.querySelectorAll("#tail .hit").length === %d`, len(hostile())+2))
	b.Run(`document.querySelectorAll("details").forEach((d) => { d.open = true; })`)
	b.Until(`document.querySelectorAll("#tail pre").length > 5`)
	isText(t, b)
	text := pagetest.Eval[string](b, `document.getElementById("tail").textContent`)
	require.Contains(t, text, `"><img src=x onerror="window.hacked=1">`)
	require.Contains(t, text, "⟨U+202E⟩")
	require.Contains(t, text, "bytes in all")

	// A condition with a mistake is told, as text.
	b.SetValue("#q", "(")
	b.Click("#live button[type=submit]")
	b.Until(`document.getElementById("state").textContent.includes("unexpected end of the <b>condition</b>")`)
	isText(t, b)
}

func TestLive(t *testing.T) {
	d := newDemo(t, new(pagetest.Elasticsearch), nil)
	b := pagetest.Open(t)
	b.Goto(d.URL + `/ui/live?at=filter:access&sample=10&if=[a]+%3D%3D+"b"`)
	b.Until(`document.querySelector("#dot.on")`)
	d.tap.mu.Lock()
	require.Equal(t, `at=filter%3Aaccess&if=%5Ba%5D+%3D%3D+%22b%22&sample=10`, d.tap.asked[0])
	d.tap.mu.Unlock()
	require.Contains(t, b.Text("#state"), "after filter grok (pipeline.conf:9)")
	events := make([]string, 1200)
	for i := range events {
		events[i] = fmt.Sprintf(`{"at":"x","time":"2026-01-01T00:00:00Z","event":{"message":"line %d"}}`, i)
	}
	d.tap.send(events...)
	b.Until(`document.getElementById("seen").textContent === "1,200"`)
	b.Until(`document.querySelector("#tail .hit").textContent.includes("line 1199")`)
	require.LessOrEqual(t, pagetest.Eval[int](b, `document.querySelectorAll("#tail .hit").length`), 500)

	b.Click("#pause")
	require.Equal(t, "paused", b.Text("#state"))
	b.Until(`document.getElementById("pause").getAttribute("aria-pressed") === "true"`)
	require.Eventually(t, func() bool {
		d.tap.mu.Lock()
		defer d.tap.mu.Unlock()
		return len(d.tap.followers) == 0
	}, pagetest.Patience, 20*time.Millisecond, "while paused nobody follows")
	b.Click("#clear")
	b.Click("#pause")
	b.Until(`document.querySelector("#dot.on")`)
	d.tap.send(`{"at":"x","time":"2026-01-01T00:00:00Z","event":{"message":"again"}}`)
	b.Until(`document.querySelectorAll("#tail .hit").length === 1`)
	require.Empty(t, b.Problems())
}

func TestPipelineRefreshesAndKeepsTheFocus(t *testing.T) {
	var n atomic.Int64
	d := newDemo(t, new(pagetest.Elasticsearch), func(o *Options) {
		o.Pipelines = func() []monitor.Snapshot {
			s := demoSnapshot(t)
			s.Received = n.Add(1)
			return []monitor.Snapshot{s}
		}
	})
	b := pagetest.Open(t)
	b.Goto(d.URL + "/ui/pipeline")
	b.Run(`document.querySelector("#pipelines").firstElementChild.querySelectorAll("a, [tabindex]").length || document.querySelector(".plugin").setAttribute("tabindex", "0")`)
	b.Until(`+document.querySelector(".balance .num").textContent.replace(/\D/g, "") >= 3`)
	require.Contains(t, b.Text("#pipelines"), "does not add up")

	b.Goto(d.URL + "/ui/search?refresh=2&q=nothing")
	b.Do(chromedp.Focus(chromedp.CSS(`#results a[href*="range=7d"]`)))
	d.es.Add(`{"@timestamp":"` + time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + `","message":"other"}`)
	b.Run(`document.querySelector("#results .empty").dataset.old = "1"`)
	b.Until(`document.querySelector("#results .empty") && !document.querySelector("#results .empty").dataset.old`)
	require.Contains(t, pagetest.Eval[string](b, `document.activeElement.textContent`), "last 7 days")
	d.es.Add(`{"@timestamp":"` + time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + `","message":"nothing else"}`)
	b.Until(`document.querySelector("#results .hit")?.textContent.includes("nothing else")`)
	require.Empty(t, b.Problems())
}

func TestGrokShowsTheStoppingPoint(t *testing.T) {
	d := newDemo(t, new(pagetest.Elasticsearch), nil)
	b := pagetest.Open(t)
	b.Goto(d.URL + "/ui/grok")
	b.SetValue("#pattern", "^%{PAIR};%{PAIR}$")
	b.SetValue("#definitions", "PAIR %{WORD:key}=%{INT:value}")
	b.SetValue("#lines", "a=1;b=2\na=1;b=x")
	b.Follow("#grok button[type=submit]")
	require.Equal(t, "1 of 2 lines matched", strings.Split(b.Text(".results > .dim"), ",")[0])
	require.Contains(t, b.Text(".result.good"), "key")
	require.Equal(t, "x", b.Text(".result.bad mark.stop"))
	require.Equal(t, "%{PAIR}, in its part INT", b.Text(".result.bad .part"))
	require.Equal(t, []string{"PAIR", "INT"}, pagetest.Eval[[]string](b, `[...document.querySelectorAll(".result.bad .steps b")].map((e) => e.textContent)`))
	require.Equal(t, "%{INT:value}", b.Text(".result.bad .steps mark"))
	b.SetValue("#pattern", "%{WROD:x}")
	b.Follow("#grok button[type=submit]")
	require.Contains(t, b.Text(".alert.bad"), "Did you mean WORD?")
}
