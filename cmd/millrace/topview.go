package main

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"millrace/internal/figures"
)

// render makes the text of a screen of a size, or the whole text if the size is zero.
func (v *overview) render(width, height int, styled bool) string {
	lines := []string{fmt.Sprintf("millrace %s   %s   up %s", v.Version, v.Name, age(v.Uptime))}
	for i := range v.Pipelines {
		lines = append(append(lines, ""), v.Pipelines[i].lines()...)
	}
	for i, l := range lines {
		lines[i] = strings.ReplaceAll(string(appendVisible(nil, []byte(l))), "\n", " ")
	}
	text := fit(lines, width, height)
	if styled {
		text = style(text)
	}
	return text
}

// fit cuts lines to a width and their number to a height, of which the last line says how many are missing.
func fit(lines []string, width, height int) string {
	if height > 0 && len(lines) > height-1 {
		missing := len(lines) - (height - 2)
		lines = append(slices.Clip(lines[:max(0, height-2)]), fmt.Sprintf("… %d more lines: a larger window or --pipeline shows them", missing))
	}
	var b strings.Builder
	for _, l := range lines {
		if width > 0 && utf8.RuneCountInString(l) > width {
			l = string([]rune(l)[:width-1]) + "…"
		}
		b.WriteString(strings.TrimRight(l, " "))
		b.WriteByte('\n')
	}
	return b.String()
}

// style makes headings of tables bold: lines of capitals.
func style(text string) string {
	lines := strings.Split(text, "\n")
	for i, l := range lines {
		if head := strings.TrimSpace(l); head != "" && strings.ToUpper(head) == head && strings.ContainsAny(head, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			lines[i] = "\x1b[1m" + l + "\x1b[0m"
		}
	}
	return strings.Join(lines, "\n")
}

func (p *pipelineOverview) lines() []string {
	a, r := &p.Account, &p.Rates
	workers := float64(max(1, p.Workers))
	out := []string{
		fmt.Sprintf("pipeline %s   %s   %s", p.ID, p.State, plural(p.Workers, "worker")),
		fmt.Sprintf("  rates     in %s/s   out %s/s   back-pressure %s   workers busy %s, of which waiting for outputs %s",
			short(r.In), short(r.Out), figures.Percent(r.Backpressure), figures.Percent(r.Busy/workers), figures.Percent(part(float64(p.OutputWait), float64(p.Work)))),
		fmt.Sprintf("  balance   received %s + made %s = dropped %s + sent nowhere %s + sent %s + at work %s",
			figures.Grouped(a.Received), figures.Grouped(a.Made), figures.Grouped(a.Dropped), figures.Grouped(a.Unrouted), figures.Grouped(a.Routed), figures.Grouped(a.Processing)),
		fmt.Sprintf("  queue     %s   %s events   %s of %s", p.Queue.Type, figures.Grouped(p.Queue.Events), size(p.Queue.Bytes), size(p.Queue.MaxBytes)),
	}
	if d := p.DeadLetters; d != nil {
		out = append(out, fmt.Sprintf("  dead letters   written %s   %s of %s   dropped %s   expired %s",
			figures.Grouped(d.Written), size(d.Bytes), size(d.MaxBytes), figures.Grouped(d.Dropped), figures.Grouped(d.Expired)))
	}
	if p.Followers > 0 {
		out = append(out, "  "+plural(p.Followers, "follower")+" of events")
	}
	if t := p.trouble(); t != "" {
		out = append(out, "  trouble   "+t)
	}
	out = append(append(out, ""), p.costs()...)
	return append(append(out, ""), p.outputs()...)
}

// trouble names the counts of what should not happen, if it did.
func (p *pipelineOverview) trouble() string {
	var out []string
	for _, t := range []struct{ key, text string }{
		{"panics", "plugins failed on an event %s times"}, {"source_errors", "%s facts of inputs could not be set"},
		{"option_errors", "%s common options could not be applied"}, {"mismatches", "%s comparisons had nothing to compare"},
	} {
		if n := p.Trouble[t.key]; n > 0 {
			out = append(out, fmt.Sprintf(t.text, figures.Grouped(n)))
		}
	}
	return strings.Join(out, ", ")
}

// costs is the table of all plugins: what each costs, by its line of the config.
func (p *pipelineOverview) costs() []string {
	recent := func(pl *pluginOverview) (events int64, spent time.Duration) {
		if pl.RecentIn > 0 {
			return pl.RecentIn, pl.RecentNanos
		}
		return pl.In, pl.Nanos
	}
	var total time.Duration
	for i := range p.Plugins {
		if pl := &p.Plugins[i]; pl.Kind != "input" { // an input's time is that of waiting for room
			_, spent := recent(pl)
			total += spent
		}
	}
	rows := [][]string{{"COST", "NS/EVENT", "EVENTS/S", "EVENTS", "FAILED", "PLUGIN", "ID", "PLACE", "CONDITION"}}
	for i := range p.Plugins {
		pl := &p.Plugins[i]
		events, spent := recent(pl)
		cost, each := figures.Percent(part(float64(spent), float64(total))), "-"
		if events > 0 {
			each = figures.Grouped(int64(spent) / events)
		}
		if pl.Kind == "input" {
			cost, each = "-", "-"
		}
		place := ""
		if pl.File != "" {
			place = pl.File + ":" + strconv.Itoa(pl.Line)
		}
		rows = append(rows, []string{cost, each, short(pl.Rate), figures.Grouped(pl.In), figures.Grouped(pl.Failures), pl.Kind + " " + pl.Name, pl.ID, place, pl.Condition})
	}
	return figures.Table(rows, 5)
}

// outputs is the table of the outputs: what became of the events that each took.
func (p *pipelineOverview) outputs() []string {
	rows := [][]string{{"TAKEN", "DELIVERED", "DEAD-LETTERED", "DROPPED", "IN FLIGHT", "RETRIED", "OUTPUT", "REQUESTS"}}
	for i := range p.Plugins {
		pl := &p.Plugins[i]
		if a := pl.Account; a != nil {
			rows = append(rows, []string{
				figures.Grouped(a.Taken), figures.Grouped(a.Delivered), figures.Grouped(a.DeadLettered), figures.Grouped(a.Dropped), figures.Grouped(a.InFlight), figures.Grouped(a.Retried), pl.ID, pl.requests(),
			})
		}
	}
	return figures.Table(rows, 6)
}

// requests tells of an output that sends requests how they go: in flight, latency, refusals.
func (p *pluginOverview) requests() string {
	r, _ := p.Own["requests"].(map[string]any)
	if r == nil {
		return ""
	}
	n := func(key string) float64 {
		f, _ := r[key].(float64)
		return f
	}
	out := []string{fmt.Sprintf("%.0f of %.0f in flight", n("in_flight"), n("limit"))}
	if us := n("latency_in_micros"); us > 0 {
		out = append(out, time.Duration(us*1e3).Round(100*time.Microsecond).String()+" each")
	}
	out = append(out, "bodies of "+size(int64(n("body_in_bytes"))), size(int64(n("held_in_bytes")))+" held")
	if again := n("to_repeat"); again > 0 {
		out = append(out, fmt.Sprintf("%s to repeat", figures.Grouped(int64(again))))
	}
	if bulk, ok := p.Own["bulk_requests"].(map[string]any); ok {
		responses, _ := bulk["responses"].(map[string]any)
		for _, code := range slices.Sorted(keysOf(responses)) {
			if f, ok := responses[code].(float64); ok && code != "200" {
				out = append(out, code+": "+figures.Grouped(int64(f)))
			}
		}
	}
	if why, _ := r["failing"].(string); why != "" {
		out = append(out, "failing: "+why)
	}
	return strings.Join(out, ", ")
}

func keysOf(m map[string]any) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// part is the share of a in b, 0 of nothing.
func part(a, b float64) float64 {
	if b <= 0 {
		return 0
	}
	return a / b
}

// short is a rate in three digits: 12.3k.
func short(f float64) string {
	units := []string{"", "k", "M", "G"}
	i := 0
	for ; f >= 999.5 && i < len(units)-1; i++ {
		f /= 1000
	}
	digits := 0
	if f < 99.95 && (i > 0 || f != math.Trunc(f)) {
		digits = 1
	}
	return strconv.FormatFloat(f, 'f', digits, 64) + units[i]
}

// size is a number of bytes in three digits.
func size(n int64) string {
	f, units, i := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}, 0
	for ; f >= 1023.5 && i < len(units)-1; i++ {
		f /= 1024
	}
	digits := 0
	if i > 0 && f < 99.95 {
		digits = 1
	}
	return strconv.FormatFloat(f, 'f', digits, 64) + " " + units[i]
}

// age is a duration in its two largest units.
func age(d time.Duration) string {
	switch days := d / (24 * time.Hour); {
	case days > 0:
		return fmt.Sprintf("%dd%dh", days, d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	case d >= time.Minute:
		return fmt.Sprintf("%dm%ds", d/time.Minute, d%time.Minute/time.Second)
	}
	return d.Round(100 * time.Millisecond).String()
}
