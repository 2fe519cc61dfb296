package page

import "net/http"

// serveLive shows the form of the live tail. Its script follows the events, of which it keeps a bounded number.
func (p *Page) serveLive(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	v := struct{ Tap, Pipeline, At, If, Sample string }{p.options.TapPath, short(q.Get("pipeline"), 300), short(q.Get("at"), 300), short(q.Get("if"), maxQuery), short(q.Get("sample"), 12)}
	p.render(w, r, http.StatusOK, "live", &layout{Title: "Live", Tab: "live"}, &v)
}
