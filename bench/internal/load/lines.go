package load

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"millrace/bench/internal/mark"
)

// at is the time in line i: a new second every 20 lines, so that caches of times meet both hits and misses.
func at(i int) time.Time {
	return time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC).Add(time.Duration(i) * 50 * time.Millisecond)
}

var (
	agents = []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
		"Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15",
		"Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
		"curl/8.5.0",
		"python-requests/2.32.3",
		"Go-http-client/2.0",
	}
	referrers = []string{"-", "-", "https://www.example.com/", "https://www.example.com/search?q=red+shoes", "https://example.org/blog/2026/11/"}
	paths     = []string{"/", "/shop/items", "/api/v1/orders", "/static/app.js", "/images/logo.png", "/login", "/search"}
	methods   = []string{"GET", "GET", "GET", "GET", "POST", "PUT", "HEAD"}
	statuses  = []int{200, 200, 200, 200, 304, 301, 404, 403, 500}
	words     = []string{
		"connection", "established", "from", "peer", "with", "timeout", "after", "retry", "of", "request", "to", "backend", "failed",
		"cache", "miss", "for", "key", "user", "session", "closed", "by", "remote", "host", "while", "reading", "response", "header",
	}
	hosts    = []string{"web-01", "web-02", "db-01", "fw-01", "mail-01", "app-07.example.com"}
	services = []string{"checkout", "catalog", "payment", "auth", "search", "mailer"}
	levels   = []string{"debug", "info", "info", "info", "warn", "error"}
	users    = []string{"anna", "ben", "carla", "dmitri", "eve", "root", "-"}
)

func sentence(r *rand.Rand, length int) string {
	var b strings.Builder
	for b.Len() < length {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(pick(r, words))
	}
	return b.String()
}

func apacheLine(r *rand.Rand, i int) string {
	return fmt.Sprintf(`%s - %s [%s] "%s %s?id=%s HTTP/1.1" %d %d "%s" "%s"`, ip(r), pick(r, []string{"-", "-", "-", "anna"}),
		at(i).Format("02/Jan/2006:15:04:05 -0700"), pick(r, methods), pick(r, paths), mark.Blank, pick(r, statuses), r.IntN(90000), pick(r, referrers), pick(r, agents))
}

func jsonLine(r *rand.Rand, i int) string {
	return fmt.Sprintf(`{"time":"%s","level":"%s","service":"%s","host":{"name":"%s","ip":"%s"},"request":{"id":"%s","method":"%s","path":"%s"},`+
		`"status":%d,"duration_ms":%.2f,"user":"%s","retry":%v,"message":"%s"}`, at(i).Format("2006-01-02T15:04:05.000Z"), pick(r, levels), pick(r, services),
		pick(r, hosts), ip(r), mark.Blank, pick(r, methods), pick(r, paths), pick(r, statuses), r.Float64()*500, pick(r, users), r.IntN(5) == 0, sentence(r, 50))
}

func rawLine(r *rand.Rand, _ int) string {
	return sentence(r, 50) + " " + mark.Blank + " " + sentence(r, 55)
}

// program makes a daemon's name and message as syslog carries them.
func program(r *rand.Rand) (name, message string) {
	m := mark.Blank
	switch r.IntN(6) {
	case 0:
		return "sshd", fmt.Sprintf("Accepted publickey for %s from %s port %d ssh2: session %s", pick(r, users), ip(r), 1024+r.IntN(60000), m)
	case 1:
		return "sshd", fmt.Sprintf("Failed password for invalid user %s from %s port %d ssh2 %s", pick(r, users), ip(r), 1024+r.IntN(60000), m)
	case 2:
		return "postfix/smtpd", fmt.Sprintf("%s: client=mail.example.com[%s], sasl_username=%s", m, ip(r), pick(r, users))
	case 3:
		return "CRON", fmt.Sprintf("(%s) CMD (/usr/local/bin/rotate --id %s --quiet)", pick(r, users), m)
	case 4:
		return "systemd", fmt.Sprintf("Started Session %d of user %s (%s).", r.IntN(10000), pick(r, users), m)
	}
	return "app", fmt.Sprintf("level=%s id=%s msg=\"%s\"", pick(r, levels), m, sentence(r, 40))
}

func syslog3164Line(r *rand.Rand, i int) string {
	name, message := program(r)
	return fmt.Sprintf("<%d>%s %s %s[%d]: %s", r.IntN(192), at(i).Format(time.Stamp), pick(r, hosts), name, 100+r.IntN(30000), message)
}

func syslog5424Line(r *rand.Rand, i int) string {
	name, message := program(r)
	data := "-"
	if r.IntN(2) == 0 {
		data = fmt.Sprintf(`[origin@32473 ip="%s" eventSource="%s"]`, ip(r), pick(r, services))
	}
	return fmt.Sprintf("<%d>1 %s %s %s %d ID%d %s %s", r.IntN(192), at(i).Format("2006-01-02T15:04:05.000000Z"), pick(r, hosts), name, 100+r.IntN(30000), r.IntN(100), data, message)
}

func syslogMixLine(r *rand.Rand, i int) string {
	if i%2 == 0 {
		return syslog3164Line(r, i)
	}
	return syslog5424Line(r, i)
}

func firewallLine(r *rand.Rand, i int) string {
	return fmt.Sprintf(`date=%s time=%s devname="fw-%02d" devid="FG100E%06d" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" `+
		`srcip=%s srcport=%d srcintf="lan%d" dstip=%s dstport=%d dstintf="wan1" policyid=%d sessionid=%d proto=%d action="%s" service="%s" `+
		`duration=%d sentbyte=%d rcvdbyte=%d sentpkt=%d trackid=%s`,
		at(i).Format("2006-01-02"), at(i).Format("15:04:05"), r.IntN(20), r.IntN(1000000), ip(r), 1024+r.IntN(60000), r.IntN(4), ip(r), pick(r, []int{53, 80, 443, 22, 25}),
		r.IntN(300), r.IntN(1<<30), pick(r, []int{6, 17, 1}), pick(r, []string{"accept", "close", "deny", "timeout"}), pick(r, []string{"HTTPS", "HTTP", "DNS", "SSH", "SMTP"}),
		r.IntN(600), r.IntN(1<<20), r.IntN(1<<24), r.IntN(5000), mark.Blank)
}

// patternForms are twenty kinds of lines, one for each pattern of configs/patterns.conf, in the order of that list.
var patternForms = []func(r *rand.Rand) string{
	func(r *rand.Rand) string {
		return fmt.Sprintf("Accepted publickey for %s from %s port %d ssh2", pick(r, users), ip(r), r.IntN(65536))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("Failed password for %s from %s port %d ssh2", pick(r, users), ip(r), r.IntN(65536))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("pam_unix(sshd:session): session opened for user %s by (uid=%d)", pick(r, users), r.IntN(1000))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("Connection closed by %s port %d [preauth]", ip(r), r.IntN(65536))
	},
	func(r *rand.Rand) string { return fmt.Sprintf("(%s) CMD (run-parts /etc/cron.hourly)", pick(r, users)) },
	func(r *rand.Rand) string {
		return fmt.Sprintf("connect from %s[%s]", pick(r, hosts), ip(r))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("to=<%s@example.com>, relay=mx.example.com[%s]:25, delay=%.1f, status=sent", pick(r, services), ip(r), r.Float64()*10)
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("[UFW BLOCK] IN=eth0 OUT= SRC=%s DST=%s PROTO=TCP SPT=%d DPT=%d", ip(r), ip(r), r.IntN(65536), r.IntN(65536))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("Started Session %d of user %s.", r.IntN(10000), pick(r, users))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("DHCPACK on %s to %02x:%02x:5e:00:53:%02x via eth0", ip(r), r.IntN(256), r.IntN(256), r.IntN(256))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("client %s#%d: query: www.example.com IN A + (%s)", ip(r), r.IntN(65536), ip(r))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("%s - - \"%s %s\" %d %d", ip(r), pick(r, methods), pick(r, paths), pick(r, statuses), r.IntN(100000))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("[error] %d#%d: *%d upstream timed out (110: Connection timed out), client: %s", r.IntN(30000), r.IntN(10), r.IntN(100000), ip(r))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("LOG:  duration: %.3f ms  statement: SELECT %d", r.Float64()*100, r.IntN(1000))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("[Warning] Aborted connection %d to db: 'shop' user: '%s' host: '%s'", r.IntN(100000), pick(r, users), ip(r))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("%s com.example.shop.%s - took %d ms", strings.ToUpper(pick(r, levels)), pick(r, services), r.IntN(3000))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("%%ASA-6-302013: Built outbound TCP connection %d for outside:%s/%d to inside:%s/%d", r.IntN(1<<30), ip(r), r.IntN(65536), ip(r), r.IntN(65536))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("level=%s service=%s latency=%.2fms code=%d", pick(r, levels), pick(r, services), r.Float64()*90, pick(r, statuses))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("backend %s/srv%d %d/%d/%d/%d %d %d", pick(r, services), r.IntN(9), r.IntN(99), r.IntN(99), r.IntN(99), r.IntN(99), pick(r, statuses), r.IntN(90000))
	},
	func(r *rand.Rand) string {
		return fmt.Sprintf("usb %d-%d: new high-speed USB device number %d using xhci_hcd", r.IntN(9), r.IntN(9), r.IntN(99))
	},
}

func patternLine(r *rand.Rand, i int) string {
	return fmt.Sprintf("%s %s %s", at(i).Format("2006-01-02T15:04:05.000Z"), mark.Blank, pick(r, patternForms)(r))
}

// reallifeLine is what arrives at the one port of a site that sends everything there.
func reallifeLine(r *rand.Rand, i int) string {
	switch r.IntN(10) {
	case 0, 1, 2, 3:
		return syslog3164Line(r, i)
	case 4, 5, 6:
		return fmt.Sprintf("<134>%s web-01 nginx: %s", at(i).Format(time.Stamp), apacheLine(r, i))
	case 7, 8:
		return fmt.Sprintf("<134>%s app-07 app: %s", at(i).Format(time.Stamp), jsonLine(r, i))
	}
	return fmt.Sprintf("<188>%s fw-01 fortigate: %s", at(i).Format(time.Stamp), firewallLine(r, i))
}
