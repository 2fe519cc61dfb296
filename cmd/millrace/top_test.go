package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"millrace/internal/figures"
)

const overviewAnswer = `{"name":"node","version":"1.2.3","uptime":93784000000000,"pipelines":[{
"id":"main","state":"running","workers":2,"followers":1,
"account":{"received":1234567,"made":10,"dropped":7,"unrouted":0,"routed":1234560,"processing":10},
"trouble":{"panics":2,"source_errors":0,"option_errors":0,"mismatches":1},
"rates":{"in":12345.6,"out":12000,"backpressure":0.05,"busy":1.5,"work":15000000000},"work":20000000000,"output_wait":1000000000,
"queue":{"type":"memory","events":512,"bytes":1536,"max_bytes":4194304},
"dead_letters":{"written":3,"bytes":2048,"max_bytes":67108864,"dropped":0,"expired":0},
"plugins":[
{"id":"in","kind":"input","name":"tcp","file":"a.conf","line":1,"condition":"","in":1234567,"out":1234567,"matched":0,"failures":0,"nanos":5,"bytes":9,"restarts":0,"rate":12345.6,"recent_in":123456,"recent_nanos":7},
{"id":"g","kind":"filter","name":"grok","file":"a.conf","line":3,"condition":"if [a]\u001b[2J > else","in":1000,"out":1000,"matched":990,"failures":10,"nanos":4000000,"rate":1000,"recent_in":100,"recent_nanos":300000},
{"id":"out","kind":"output","name":"elasticsearch","file":"a.conf","line":9,"condition":"","in":1234560,"out":1234560,"matched":0,"failures":0,"nanos":1,"rate":12000,"recent_in":100,"recent_nanos":100000,
 "account":{"taken":1234560,"delivered":1234000,"dead_lettered":3,"dropped":0,"in_flight":557,"retried":42},
 "own":{"bulk_requests":{"responses":{"200":90,"429":4}},"requests":{"in_flight":3,"limit":8,"body_in_bytes":1048576,"held_in_bytes":2097152,"to_repeat":5,"failing":"es2: timeout","latency_in_micros":12345}}}
]}]}`

const overviewTable = `millrace 1.2.3   node   up 1d2h

pipeline main   running   2 workers
  rates     in 12.3k/s   out 12.0k/s   back-pressure 5.0 %   workers busy 75 %, of which waiting for outputs 5.0 %
  balance   received 1,234,567 + made 10 = dropped 7 + sent nowhere 0 + sent 1,234,560 + at work 10
  queue     memory   512 events   1.5 KiB of 4.0 MiB
  dead letters   written 3   2.0 KiB of 64.0 MiB   dropped 0   expired 0
  1 follower of events
  trouble   plugins failed on an event 2 times, 1 comparisons had nothing to compare

  COST  NS/EVENT  EVENTS/S     EVENTS  FAILED  PLUGIN                ID   PLACE     CONDITION
     -         -     12.3k  1,234,567       0  input tcp             in   a.conf:1
  75 %     3,000      1.0k      1,000      10  filter grok           g    a.conf:3  if [a]\u001b[2J > else
  25 %     1,000     12.0k  1,234,560       0  output elasticsearch  out  a.conf:9

      TAKEN  DELIVERED  DEAD-LETTERED  DROPPED  IN FLIGHT  RETRIED  OUTPUT  REQUESTS
  1,234,560  1,234,000              3        0        557       42  out     3 of 8 in flight, 12.3ms each, bodies of 1.0 MiB, 2.0 MiB held, 5 to repeat, 429: 4, failing: es2: timeout
`

func overviewServer(t *testing.T, answer string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		require.Equal(t, "/_millrace/overview", r.URL.Path)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestTopOnce(t *testing.T) {
	url := overviewServer(t, overviewAnswer)
	p := runBackground("top", "--url", url, "--once")
	p.end(t, 0)
	require.Equal(t, overviewTable, p.out.String())
	p = runBackground("top", "--url", url, "--pipeline", "other")
	p.end(t, 1)
	require.Contains(t, p.err.String(), `there is no pipeline "other"`)
	p = runBackground("top", "--url", overviewServer(t, "no JSON"))
	p.end(t, 1)
	require.Contains(t, p.err.String(), "reading the answer")
}

// TestTopFits: whatever the size of the terminal, no line and no number of lines exceeds it.
func TestTopFits(t *testing.T) {
	c := &apiClient{bases: []string{overviewServer(t, overviewAnswer)}, http: http.DefaultClient}
	v, err := c.overview(t.Context(), "")
	require.NoError(t, err)
	for _, width := range []int{20, 80, 300} {
		for _, height := range []int{3, 10, 24, 100} {
			screen := v.render(width, height, false)
			lines := strings.Split(strings.TrimSuffix(screen, "\n"), "\n")
			require.LessOrEqual(t, len(lines), height-1)
			for _, l := range lines {
				require.LessOrEqual(t, utf8.RuneCountInString(l), width, l)
			}
			if height < 17 {
				require.Contains(t, lines[len(lines)-1], "more lines"[:min(10, width-10)])
			}
		}
	}
	styled := v.render(300, 100, true)
	require.Contains(t, styled, "\x1b[1m  COST")
	require.Equal(t, 2, strings.Count(styled, "\x1b[1m"))
}

func TestTopFigures(t *testing.T) {
	f := func(want, got string) {
		t.Helper()
		require.Equal(t, want, got)
	}
	f("0", short(0))
	f("7", short(7))
	f("7.3", short(7.26))
	f("999", short(999.4))
	f("1.0k", short(999.9))
	f("12.3k", short(12345))
	f("124k", short(123500))
	f("1.2M", short(1.24e6))
	f("5000G", short(5e12))
	f("0", figures.Grouped(0))
	f("999", figures.Grouped(999))
	f("-1,000", figures.Grouped(-1000))
	f("-100", figures.Grouped(-100))
	f("12,345,678", figures.Grouped(12345678))
	f("1023 B", size(1023))
	f("1.0 KiB", size(1024))
	f("1.0 MiB", size(1<<20-1))
	f("8192 TiB", size(1<<53))
	f("0 %", figures.Percent(0))
	f("0.1 %", figures.Percent(0.001))
	f("100 %", figures.Percent(1))
	f("1.5s", age(1500*time.Millisecond))
	f("2m5s", age(125*time.Second))
	f("3h1m", age(3*time.Hour+time.Minute))
	f("2d3h", age(51*time.Hour))
	f("1 worker", plural(1, "worker"))
}

func TestTerminalSize(t *testing.T) {
	_, ok := terminalSize(new(strings.Builder))
	require.False(t, ok)
	r, w, err := os.Pipe()
	require.NoError(t, err)
	defer func() { _, _ = r.Close(), w.Close() }()
	_, ok = terminalSize(w)
	require.False(t, ok, "a pipe is no terminal")
	if f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0); err == nil {
		size, ok := terminalSize(f)
		require.True(t, ok)
		width, height := size()
		require.Equal(t, "80 24", fmt.Sprint(width, " ", height), "a terminal that does not know its size")
		require.NoError(t, f.Close())
	}
}
