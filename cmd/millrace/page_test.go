package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/stretchr/testify/require"

	"millrace/internal/page/pagetest"
	"millrace/internal/testenv"
)

// pageChild is a running program with its page, and what it sends its events to.
type pageChild struct {
	*child
	url  string
	conn net.Conn
	conf string
	es   *pagetest.Elasticsearch
}

func startPage(t *testing.T) *pageChild {
	t.Helper()
	p := &pageChild{es: new(pagetest.Elasticsearch), conf: filepath.Join(t.TempDir(), "pipeline.conf")}
	cluster := httptest.NewServer(p.es)
	t.Cleanup(cluster.Close)
	port, api := testenv.FreePort(t), testenv.FreePort(t)
	conf := fmt.Sprintf(`input { tcp { id => "in" host => "127.0.0.1" port => %d } }
filter {
  if [message] == "drop me" { drop { id => "dropper" } }
  grok { id => "words" match => { "message" => "^%%{WORD:verb} %%{GREEDYDATA:rest}$" } }
}
output { elasticsearch { id => "es" hosts => ["%s"] user => "u" password => "kept-secret" manage_template => false } }
`, port, cluster.URL)
	require.NoError(t, os.WriteFile(p.conf, []byte(conf), 0o644))
	p.child = startChild(t, "--api.enabled=true", "--path.data", t.TempDir(), "--api.http.port", fmt.Sprint(api), "-f", p.conf)
	p.url = fmt.Sprintf("http://127.0.0.1:%d", api)
	require.Eventually(t, func() bool {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		p.conn = conn
		return err == nil
	}, pagetest.Patience, 10*time.Millisecond)
	t.Cleanup(func() { _ = p.conn.Close() })
	return p
}

func (p *pageChild) send(lines ...string) {
	p.t.Helper()
	_, err := io.WriteString(p.conn, strings.Join(lines, "\n")+"\n")
	require.NoError(p.t, err)
}

// tries is how often a line is sent at most: the best of them has to be seen within a second. The machine that tests may be busy with other
// things.
const tries = 20

func TestALineIsSeenLiveAndFound(t *testing.T) {
	b := pagetest.Open(t)
	p := startPage(t)
	live, found := time.Hour, time.Hour
	b.Goto(p.url + "/ui/live")
	b.Until(`document.querySelector("#dot.on")`)
	for i := 0; i < tries && live >= time.Second; i++ {
		start := time.Now()
		p.send(fmt.Sprintf("hello live-%d", i))
		b.Until(fmt.Sprintf(`document.querySelector("#tail .hit")?.textContent.includes("live-%d")`, i))
		live = min(live, time.Since(start))
	}
	for i := 0; i < tries && found >= time.Second; i++ {
		start := time.Now()
		p.send(fmt.Sprintf("hello found-%d", i))
		for b.Goto(fmt.Sprintf("%s/ui/search?q=%%22found-%d%%22", p.url, i)); b.Text(".total") != "1"; b.Goto(fmt.Sprintf("%s/ui/search?q=%%22found-%d%%22", p.url, i)) {
			require.Less(t, time.Since(start), pagetest.Patience)
		}
		found = min(found, time.Since(start))
	}
	t.Logf("a line is seen after %s in Live, and found after %s in Search, the browser's time included", live.Round(time.Millisecond), found.Round(time.Millisecond))
	require.Less(t, live, time.Second)
	require.Less(t, found, time.Second)
	require.Contains(t, b.Text(".hit .doc"), "hello found-")
	require.Empty(t, b.Problems())
}

func TestPageOfARunningProgram(t *testing.T) {
	b := pagetest.Open(t)
	p := startPage(t)
	for range 100 {
		p.send("GET /index", "drop me", "-")
	}
	b.Goto(p.url + "/")
	require.Equal(t, "/ui/search", pagetest.Eval[string](b, `location.pathname`))
	b.Goto(p.url + "/ui/pipeline")
	account := `[...document.querySelectorAll(".balance .num")].slice(0, 6).map((e) => +e.textContent.replace(/,/g, ""))`
	b.Until(account + `[0] === 300 && ` + account + `[2] === 100`)
	n := pagetest.Eval[[]int64](b, account)
	require.Equal(t, n[0]+n[1], n[2]+n[3]+n[4]+n[5], "received + made = dropped + sent nowhere + in workers + sent to outputs")
	require.EqualValues(t, 100, n[2])
	text := pagetest.Eval[string](b, `document.querySelector("main").textContent`)
	require.Contains(t, text, `if [message] == "drop me"`)
	require.Contains(t, text, "_grokparsefailure")
	require.Contains(t, text, "adds up")
	require.NotContains(t, text, "does not add up")
	b.Until(`document.querySelector(".legend.inline b").textContent === "200"`)

	b.Goto(p.url + "/ui/grok?filter=1")
	require.Equal(t, `^%{WORD:verb} %{GREEDYDATA:rest}$`, pagetest.Eval[string](b, `document.getElementById("pattern").value`))
	b.SetValue("#lines", "GET")
	b.Follow("#grok button[type=submit]")
	require.Contains(t, b.Text(".result.bad"), "It got to byte 3 of 3")

	// A reload shows what changed; one that is refused is told; the password never.
	p.reload(b, "tcp { id => \"in\"", "tcp { tags => [\"again\"] id => \"in\"")
	b.Until(`document.querySelector(".diff .new")?.textContent.includes("tags")`)
	p.reload(b, "grok {", "grok { no_such_option => 1")
	b.Until(`document.querySelector(".refused")?.textContent.includes("no_such_option")`)
	require.NotContains(t, pagetest.Eval[string](b, `document.documentElement.outerHTML`), "kept-secret")
	require.Contains(t, b.Text(".source"), `password => "<hidden>"`)
}

// reload changes the config and looks at the config page until the program has seen it.
func (p *pageChild) reload(b *pagetest.Browser, old, now string) {
	p.t.Helper()
	text, err := os.ReadFile(p.conf)
	require.NoError(p.t, err)
	require.Contains(p.t, string(text), old)
	before := p.loaded()
	require.NoError(p.t, os.WriteFile(p.conf, []byte(strings.Replace(string(text), old, now, 1)), 0o644))
	require.NoError(p.t, p.Signal(syscall.SIGHUP))
	require.Eventually(p.t, func() bool {
		now := p.loaded()
		return now != "" && now != before
	}, pagetest.Patience, 50*time.Millisecond)
	b.Goto(p.url + "/ui/config")
}

// loaded is the config page, "" while the program reloads.
func (p *pageChild) loaded() string {
	res, err := http.Get(p.url + "/ui/config")
	if err != nil {
		return ""
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		return ""
	}
	_, main, _ := strings.Cut(string(body), "<main")
	return main
}

// TestTheFirstCommand is what a newcomer sees: nothing configured, lines sent to the default port, found on the page.
func TestTheFirstCommand(t *testing.T) {
	b := pagetest.Open(t)
	api := testenv.FreePort(t)
	e := startEmbedded(t, t.TempDir(), testenv.FreePort(t), "--api.enabled=true", "--api.http.port", fmt.Sprint(api))
	url := fmt.Sprintf("http://127.0.0.1:%d", api)
	var lines strings.Builder
	now := time.Now().UTC()
	for i := range 120 {
		status := 200
		if i%10 == 0 {
			status = 503
		}
		at := now.Add(-time.Duration(5*i) * time.Second)
		fmt.Fprintf(&lines, "198.51.100.%d - - [%s] \"GET /orders/%d HTTP/1.1\" %d 512 \"-\" \"curl/8\"\n", i%5, at.Format("02/Jan/2006:15:04:05 -0700"), i, status)
	}
	e.send(lines.String())
	const total = `+document.querySelector(".total").textContent.replace(/\D/g, "")`
	const sum = `[...document.querySelectorAll(".histogram .bar")].reduce((n, r) => n + +r.dataset.count, 0)`
	b.Goto(url + "/")
	for pagetest.Eval[int](b, total) < 120 {
		b.Goto(url + "/ui/search")
	}
	require.Equal(t, 120, pagetest.Eval[int](b, sum))
	require.Contains(t, b.Text(".pager"), "1–50 of 120")

	// Queries, columns and paging mean the same to the store.
	b.Goto(url + "/ui/search?q=http.response.status_code:[500+TO+599]&cols=url.original,http.response.status_code")
	require.Equal(t, 12, pagetest.Eval[int](b, total))
	require.Equal(t, 12, pagetest.Eval[int](b, sum))
	require.Equal(t, "/orders/0", b.Text(".hit .cell"))
	b.Do(chromedp.Focus(chromedp.CSS(`details.hit summary`)))
	b.Type("\r")
	b.Until(`document.querySelector('[aria-label="Search for this value: source.address"]')`)
	b.Run(`window.before = true; document.querySelector('[aria-label="Search for this value: source.address"]').click()`)
	b.Until(`!window.before && document.readyState === "complete"`)
	require.Equal(t, `(http.response.status_code:[500 TO 599]) AND source.address:"198.51.100.0"`, pagetest.Eval[string](b, `document.getElementById("q").value`))
	require.Equal(t, 12, pagetest.Eval[int](b, total))
	b.Goto(url + "/ui/search?q=source.address:%22198.51.100.1%22+AND+NOT+url.original:*0")
	require.Equal(t, 24, pagetest.Eval[int](b, total))
	b.Goto(url + "/ui/search?order=asc")
	b.Follow("a[rel=next]")
	b.Follow("a[rel=next]")
	require.Contains(t, b.Text(".pager"), "101–120 of 120")
	require.Contains(t, b.Text(".hit:last-of-type .doc"), "/orders/0 ")
	b.Goto(url + "/ui/search?q=status:(")
	require.Contains(t, b.Text(".alert.bad"), "The search failed.")

	b.Goto(url + "/ui/pipeline")
	require.Contains(t, b.Text("main"), "adds up")
	b.Until(`document.querySelector(".facts").textContent.includes("latency of a request")`)
}
