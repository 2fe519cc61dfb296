package monitor

import (
	"mime"
	"strconv"
	"strings"
)

// prefersHTML reports whether the values of Accept name text/html with a quality above that of application/json: browsers do, while
// what asks for */* or nothing gets JSON, as it does of Logstash.
func prefersHTML(accept []string) bool {
	html, json := 0.0, 0.0
	for _, part := range strings.Split(strings.Join(accept, ","), ",") {
		kind, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if text, ok := params["q"]; ok {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				continue
			}
		}
		switch kind {
		case "text/html", "application/xhtml+xml":
			html = max(html, q)
		case "application/json":
			json = max(json, q)
		}
	}
	return html > json
}
