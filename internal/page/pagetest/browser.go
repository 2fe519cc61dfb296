// Package pagetest lets tests look at the page with a real browser, and search where there is no Elasticsearch.
package pagetest

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	cdplog "github.com/chromedp/cdproto/log"
	cdpruntime "github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/require"
)

// Patience is how long a test waits for the browser to show something: many seconds on a machine that is busy with other tests.
const Patience = 2 * time.Minute

// Browser is a window of a browser that ends with the test.
type Browser struct {
	t   testing.TB
	ctx context.Context

	mu       sync.Mutex
	problems []string // what the browser's console complained about; guarded by mu
}

// Open starts a browser. The test is skipped where Chromium is not installed, unless the environment says that it has to be.
func Open(t testing.TB) *Browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "headless-shell"} {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		if os.Getenv("MILLRACE_REQUIRE_SERVERS") != "" {
			t.Fatal("chromium is not installed: apt-get install chromium")
		}
		t.Skip("chromium is not installed: the page is not tested in a browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("disable-dev-shm-usage", true), chromedp.Flag("font-render-hinting", "none"), chromedp.WindowSize(1280, 860),
		chromedp.Env("TZ=UTC"))
	alloc, stopAlloc := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, stop := chromedp.NewContext(alloc)
	b := &Browser{t: t, ctx: ctx}
	t.Cleanup(func() {
		end, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		_ = chromedp.Cancel(end) // what does not close is killed below
		stop()
		stopAlloc()
	})
	require.NoError(t, chromedp.Do(ctx, chromedp.Navigate("about:blank")))
	require.NoError(t, chromedp.Listen(ctx, func(e any) {
		switch e := e.(type) {
		case *cdpruntime.EventExceptionThrown:
			b.complain(fmt.Sprint(e.ExceptionDetails.Text, " ", e.ExceptionDetails.Exception))
		case *cdplog.EventEntryAdded:
			if e.Entry.Level == cdplog.EntryLevelError {
				b.complain(e.Entry.Text)
			}
		}
	}))
	return b
}

func (b *Browser) complain(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, text)
}

// Problems returns what scripts of the pages threw or complained about.
func (b *Browser) Problems() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]string{}, b.problems...)
}

// Do runs actions and fails the test with what the page shows if they do not succeed in time.
func (b *Browser) Do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	do(b, chromedp.Steps(steps...))
}

func do[T any](b *Browser, a chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, Patience)
	defer cancel()
	v, err := chromedp.Run(ctx, a)
	if err != nil {
		again, cancel := context.WithTimeout(b.ctx, 5*time.Second)
		defer cancel()
		text, _ := chromedp.Run(again, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText.slice(0, 3000)`)) // only to tell more
		b.t.Fatalf("%v\nthe page shows: %s\nproblems: %v", err, text, b.Problems())
	}
	return v
}

// Goto opens an address.
func (b *Browser) Goto(url string) {
	b.t.Helper()
	b.Do(chromedp.Navigate(url), chromedp.WaitReady(chromedp.CSS("main")))
}

// Eval evaluates a script.
func Eval[T any](b *Browser, script string) T {
	b.t.Helper()
	return do(b, chromedp.Evaluate[T](script))
}

// Run runs a script for what it does.
func (b *Browser) Run(script string) {
	b.t.Helper()
	b.Do(chromedp.Evaluate[chromedp.Void]("(() => {" + script + "})()"))
}

// SetValue sets the value of a field of a form.
func (b *Browser) SetValue(selector, value string) {
	b.t.Helper()
	quoted, err := json.Marshal(value)
	require.NoError(b.t, err)
	b.Run(fmt.Sprintf("document.querySelector(%q).value = %s", selector, quoted))
}

// Drag moves the mouse from one point of the window to another with its button held.
func (b *Browser) Drag(x1, y1, x2, y2 float64) {
	b.t.Helper()
	left := chromedp.ButtonLeft
	b.Do(
		chromedp.MouseEvent(chromedp.MousePressed, x1, y1, left, chromedp.ClickCount(1)),
		chromedp.MouseEvent(chromedp.MouseMoved, (x1+x2)/2, (y1+y2)/2, left),
		chromedp.MouseEvent(chromedp.MouseMoved, x2, y2, left),
		chromedp.MouseEvent(chromedp.MouseReleased, x2, y2, left, chromedp.ClickCount(1)),
	)
}

// Text returns the visible text of what a CSS selector finds first.
func (b *Browser) Text(selector string) string {
	b.t.Helper()
	return strings.TrimSpace(do(b, chromedp.Text(chromedp.CSS(selector))))
}

// Click clicks on what a CSS selector finds first.
func (b *Browser) Click(selector string) {
	b.t.Helper()
	b.Do(chromedp.Click(chromedp.CSS(selector)))
}

// Follow clicks on what leads to another page and waits until that is there.
func (b *Browser) Follow(selector string) {
	b.t.Helper()
	b.Run(`window.before = true`)
	b.Click(selector)
	b.Until(`!window.before && document.readyState === "complete"`)
}

// Type types into what has the focus. A key and its character are one event, as of a keyboard: a script that takes the key gets both.
func (b *Browser) Type(keys string) {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, r := range keys {
			var text string
			for _, k := range kb.Encode(r) {
				if k.Type == kb.KeyChar {
					text = k.Text
				}
			}
			for _, k := range kb.Encode(r) {
				if k.Type == kb.KeyChar {
					continue
				}
				if k.Type != kb.KeyUp && text != "" {
					k.Type, k.Text = kb.KeyDown, text
				}
				if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, *k); err != nil {
					return err
				}
			}
		}
		return nil
	}))
}

// Until waits until a script is true, and returns how long that took. The page's policy forbids it to make functions of texts, which
// chromedp's own way of waiting does.
func (b *Browser) Until(script string) time.Duration {
	b.t.Helper()
	start := time.Now()
	b.Do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			if ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("Boolean("+script+")")); err == nil && ok {
				return nil
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return fmt.Errorf("waiting for %s: %w", script, ctx.Err())
			}
		}
	}))
	return time.Since(start)
}

// Size sets the size of the window in CSS pixels.
func (b *Browser) Size(width, height int64) {
	b.t.Helper()
	b.Do(chromedp.EmulateViewport(width, height))
}

// Dark chooses between the two colour schemes.
func (b *Browser) Dark(on bool) {
	b.t.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
		})
		return err
	}))
}

// Zone moves the browser to a time zone.
func (b *Browser) Zone(name string) {
	b.t.Helper()
	b.Do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: name})
		return err
	}))
}

// Screenshot keeps a picture of the window: in the folder that MILLRACE_SCREENSHOTS names, or in build/screenshots.
func (b *Browser) Screenshot(name string) {
	b.t.Helper()
	dir := os.Getenv("MILLRACE_SCREENSHOTS")
	if dir == "" {
		dir = filepath.Join(root(b.t), "build", "screenshots")
	}
	require.NoError(b.t, os.MkdirAll(dir, 0o755))
	png := do(b, chromedp.CaptureScreenshot())
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644))
}

// root finds the folder of the module.
func root(t testing.TB) string {
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		require.NotEqual(t, dir, parent, "no go.mod above the test")
		dir = parent
	}
}
