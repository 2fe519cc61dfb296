package email

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"millrace/codecs"
	"millrace/internal/logging"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// relay is an SMTP server that keeps what it is sent.
type relay struct {
	net.Listener
	tls     *tls.Config // nil: no STARTTLS
	refuse  map[string]string
	mu      sync.Mutex
	lines   []string // commands
	mails   []string
	greeted int
}

func newRelay(t *testing.T) *relay {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	r := &relay{Listener: l, refuse: make(map[string]string)}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { r.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
	})
	return r
}

// hangUp in place of an answer ends the session.
const hangUp = "hang up"

// answer returns what a test wants to be answered to a command, once if it ends in " once".
func (r *relay) answer(line, otherwise string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lines = append(r.lines, line)
	for prefix, reply := range r.refuse {
		if strings.HasPrefix(line, prefix) {
			if text, once := strings.CutSuffix(reply, " once"); once {
				delete(r.refuse, prefix)
				reply = text
			}
			return reply
		}
	}
	return otherwise
}

func (r *relay) serve(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	say := func(format string, args ...any) { fmt.Fprintf(conn, format+"\r\n", args...) }
	read := func() string {
		line, _ := in.ReadString('\n')
		return strings.TrimRight(line, "\r\n")
	}
	r.mu.Lock()
	r.greeted++
	r.mu.Unlock()
	say("220 relay")
	for {
		line := read()
		verb, _, _ := strings.Cut(line, " ")
		switch verb {
		case "":
			return
		case "EHLO":
			starttls := ""
			if r.tls != nil {
				starttls = "250-STARTTLS\r\n"
			}
			say("%s", r.answer(line, "250-relay\r\n"+starttls+"250 AUTH PLAIN LOGIN CRAM-MD5"))
		case "STARTTLS":
			say("%s", r.answer(line, "220 go"))
			secure := tls.Server(conn, r.tls)
			conn, in = secure, bufio.NewReader(secure)
		case "AUTH":
			questions := map[string][]string{"AUTH LOGIN": {"Username:", "Password:"}, "AUTH CRAM-MD5": {"<1@relay>"}}[line]
			for _, q := range questions {
				say("334 %s", base64.StdEncoding.EncodeToString([]byte(q)))
				answer, _ := base64.StdEncoding.DecodeString(read())
				line += " " + string(answer)
			}
			say("%s", r.answer(line, "235 welcome"))
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				l := read()
				if l == "." {
					break
				}
				text.WriteString(strings.TrimPrefix(l, ".") + "\r\n")
			}
			reply := r.answer(line, "250 taken")
			if reply[0] == '2' {
				r.mu.Lock()
				r.mails = append(r.mails, text.String())
				r.mu.Unlock()
			}
			say("%s", reply)
		case "QUIT":
			say("221 bye")
			return
		default:
			reply := r.answer(line, "250 ok")
			if reply == hangUp {
				return
			}
			say("%s", reply)
		}
	}
}

func (r *relay) take() (lines, mails []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines, mails = r.lines, r.mails
	r.lines, r.mails = nil, nil
	return lines, mails
}

func build(t *testing.T, conf string) (*plugin.Built, config.Diagnostics) {
	t.Helper()
	f, diags := config.Parse("test", []byte("output { email { "+conf+" } }"), config.ParseOptions{})
	require.Empty(t, diags)
	reg := plugin.NewRegistry([]*plugin.Definition{Plugin}, codecs.All())
	return reg.Build(f.Sections[0].Body[0].(*config.PluginNode), plugin.Builder{Log: logging.Discard()})
}

// open makes the output of a config that sends to r.
func (r *relay) open(t *testing.T, conf string) (*output, *plugin.Env) {
	t.Helper()
	_, port, err := net.SplitHostPort(r.Addr().String())
	require.NoError(t, err)
	built, diags := build(t, `address => "127.0.0.1" port => `+port+` `+conf)
	require.NotNil(t, built, diags.String())
	o := built.Output.(*output)
	o.pause = time.Millisecond
	return o, built.Env
}

func write(t *testing.T, o *output, docs ...string) {
	t.Helper()
	w := o.NewWriter()
	for _, doc := range docs {
		e := event.New(nil)
		v, _, _, err := e.ParseJSON(doc)
		require.NoError(t, err)
		e.SetRoot(v.Object())
		if err := w.Append(e); err != nil {
			require.NotEmpty(t, err.Error())
		}
	}
	settled := false
	b := &event.Batch{Done: func(*event.Batch) { settled = true }}
	b.Expect(1)
	require.NoError(t, w.Flush(t.Context(), b))
	require.True(t, settled)
	require.NoError(t, o.Close(t.Context()))
}

// flat writes a mail as its parts, each as type and content.
func flat(t *testing.T, header func(string) string, body io.Reader) []string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(header("Content-Type"))
	require.NoError(t, err)
	if !strings.HasPrefix(kind, "multipart/") {
		switch header("Content-Transfer-Encoding") {
		case "quoted-printable":
			body = quotedprintable.NewReader(body)
		case "base64":
			body = base64.NewDecoder(base64.StdEncoding, body)
		}
		text, err := io.ReadAll(body)
		require.NoError(t, err)
		name := ""
		if _, p, err := mime.ParseMediaType(header("Content-Disposition")); err == nil {
			name = " " + p["filename"]
		}
		return []string{header("Content-Type") + name + ": " + string(text)}
	}
	parts := []string{kind}
	for m := multipart.NewReader(body, params["boundary"]); ; {
		p, err := m.NextRawPart()
		if err == io.EOF {
			return parts
		}
		require.NoError(t, err)
		parts = append(parts, flat(t, p.Header.Get, p)...)
	}
}

func TestMail(t *testing.T) {
	r := newRelay(t)
	o, env := r.open(t, `to => "%{to}" cc => "Chef <c@host>, d@host" bcc => "e@host" from => "f@host" replyto => "g@host" subject => "Alert: %{s}"
		body => "Line1\nLine2\n%{m}" domain => "mill.example"`)
	write(t, o, `{"to":["a@host","b@host"],"s":"Ünfall","m":"x\n.\ny"}`)
	lines, mails := r.take()
	require.Equal(t, []string{"EHLO mill.example", "MAIL FROM:<f@host>", "RCPT TO:<a@host>", "RCPT TO:<b@host>", "RCPT TO:<c@host>", "RCPT TO:<d@host>", "RCPT TO:<e@host>", "DATA"}, lines)
	require.EqualValues(t, 1, env.Stats.Delivered.Load())
	m, err := netmail.ReadMessage(strings.NewReader(mails[0]))
	require.NoError(t, err)
	f := func(name, want string) {
		t.Helper()
		got, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get(name))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	f("From", "f@host")
	f("To", "a@host, b@host")
	f("Cc", `"Chef" <c@host>, d@host`)
	f("Bcc", "")
	f("Reply-To", "g@host")
	f("Subject", "Alert: Ünfall")
	require.Contains(t, m.Header.Get("Message-ID"), "@mill.example>")
	_, err = m.Header.Date()
	require.NoError(t, err)
	require.Equal(t, []string{"text/plain; charset=UTF-8: Line1\r\nLine2\r\nx\r\n.\r\ny\r\n"}, flat(t, m.Header.Get, m.Body))
}

func TestContents(t *testing.T) {
	r := newRelay(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	f := func(conf string, want ...string) {
		t.Helper()
		o, _ := r.open(t, `to => "a@host" body => "täxt" `+conf)
		write(t, o, `{"m":"<b>&","n":12345678901234567890,"h":{"k":"v"},"l":[{"i":1},{"i":2}]}`)
		_, mails := r.take()
		require.Len(t, mails, 1)
		m, err := netmail.ReadMessage(strings.NewReader(mails[0]))
		require.NoError(t, err)
		got := flat(t, m.Header.Get, m.Body)
		got[len(got)-1] = strings.TrimSuffix(got[len(got)-1], "\r\n")
		require.Equal(t, want, got)
	}
	const text = "text/plain; charset=UTF-8: täxt"
	f(``, text)
	f(`htmlbody => "<p>%{m}</p>"`, "multipart/alternative", text, "text/html; charset=UTF-8: <p><b>&</p>")
	f(`htmlbody => "x" contenttype => "text/html; charset=us-ascii"`, "multipart/alternative", text, "text/html; charset=us-ascii: x")
	f(`template_file => "`+file("t.html", "{{m}} {{{m}}} {{n}} {{h.k}} {{none}}{{#l}}[{{i}}]{{/l}}{{^none}}-{{/none}}{{>t}}")+`"`,
		"multipart/alternative", text, "text/html; charset=UTF-8: &lt;b&gt;&amp; <b>& 12345678901234567890 v [1][2]-")
	long := strings.Repeat("0123456789", 100)
	f(`attachments => ["`+file("ä.json", long)+`", "`+filepath.Join(dir, "gone")+`"] htmlbody => "x"`,
		"multipart/mixed", "multipart/alternative", text, "text/html; charset=UTF-8: x", "application/json ä.json: "+long)
	f(`attachments => ["`+file("b.unknown", "")+`"]`, "multipart/mixed", text, "application/octet-stream b.unknown: ")
}

func TestAuthentication(t *testing.T) {
	r := newRelay(t)
	f := func(conf, want string) {
		t.Helper()
		o, _ := r.open(t, `to => "a@host" `+conf)
		write(t, o, `{}`)
		lines, mails := r.take()
		require.Len(t, mails, 1)
		require.Equal(t, want, lines[1])
	}
	f(`username => "user" password => "pass"`, "AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00user\x00pass")))
	f(`username => "user" password => "pass" authentication => "login"`, "AUTH LOGIN user pass")
	f(`username => "user" password => "pass" authentication => cram_md5`, "AUTH CRAM-MD5 user d65de19141530f226f901dbaa1222f89")
	f(`options => { "userName" => "u" "password" => "p" "authenticationType" => "nil" }`, "AUTH PLAIN "+base64.StdEncoding.EncodeToString([]byte("\x00u\x00p")))
	f(`authentication => "plain"`, "MAIL FROM:<logstash.alert@example.com>")
}

func TestTLS(t *testing.T) {
	r := newRelay(t)
	s := httptest.NewTLSServer(nil) // for its certificate
	defer s.Close()
	o, env := r.open(t, `to => "a@host" use_tls => true`)
	write(t, o, `{}`)
	_, mails := r.take()
	require.Empty(t, mails) // the server offers no STARTTLS
	require.EqualValues(t, 1, env.Stats.Dropped.Load())
	r.tls = s.TLS
	for conf, want := range map[string]int{`use_tls => true`: 0, `use_tls => true ssl_verification_mode => none`: 1, ``: 1} {
		o, env := r.open(t, `to => "a@host" retries => 0 `+conf)
		write(t, o, `{}`)
		_, mails := r.take()
		require.Len(t, mails, want, conf)
		require.EqualValues(t, want, env.Stats.Delivered.Load())
		require.EqualValues(t, 1-want, env.Stats.Dropped.Load())
	}
}

func TestFailures(t *testing.T) {
	f := func(prefix, reply, conf string, delivered, dropped, retried int64) {
		t.Helper()
		r := newRelay(t)
		r.refuse[prefix] = reply
		o, env := r.open(t, `to => "%{to}" retries => 2 `+conf)
		write(t, o, `{"to":"a@host"}`, `{"to":"b@host, c@host"}`, `{"to":"a@host"}`)
		require.Equal(t, []int64{delivered, dropped, retried}, []int64{env.Stats.Delivered.Load(), env.Stats.Dropped.Load(), env.Stats.Retried.Load()})
		_, mails := r.take()
		require.Len(t, mails, int(delivered))
	}
	f("none", "", ``, 3, 0, 0)
	f("RCPT TO:<a@host>", "550 unknown", ``, 1, 2, 0)
	f("RCPT TO:<b@host>", "550 unknown", ``, 3, 0, 0)
	f("RCPT TO:<a@host>", "450 later once", ``, 3, 0, 1)
	f("RCPT TO:<a@host>", "450 later", ``, 1, 2, 4)
	f("DATA", "554 spam once", ``, 2, 1, 0)
	f("MAIL", "421 busy", ``, 0, 3, 6)
	f("MAIL", hangUp, ``, 0, 3, 6)
	f("RCPT TO:<b@host>", hangUp+" once", ``, 3, 0, 2)
	f("AUTH", "535 no", `username => "u" password => "p"`, 0, 3, 0)
	f("none", "", `from => "%{none}"`, 0, 3, 0)
	f("none", "", `subject => "%{[x}"`, 0, 3, 0)
}

// TestEnd: a batch that is not sent when the time is over is not settled.
func TestEnd(t *testing.T) {
	r := newRelay(t)
	r.refuse["MAIL"] = "421 busy"
	o, _ := r.open(t, `to => "a@host" retries => 100`)
	o.pause = time.Hour
	w := o.NewWriter()
	require.NoError(t, w.Append(event.New(nil)))
	b := new(event.Batch)
	b.Expect(1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, w.Flush(ctx, b), context.DeadlineExceeded)
}

func TestSendmail(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, "sendmail")
	require.NoError(t, os.WriteFile(program, []byte("#!/bin/sh\ncat > "+dir+"/mail\necho \"$@\" > "+dir+"/args\n"), 0o700))
	built, diags := build(t, `via => sendmail to => "a@host, b@host" from => "f@host" body => "hi"`)
	require.NotNil(t, built, diags.String())
	o := built.Output.(*output)
	o.program, o.pause = program, time.Millisecond
	write(t, o, `{}`)
	args, err := os.ReadFile(filepath.Join(dir, "args"))
	require.NoError(t, err)
	require.Equal(t, "-i -f f@host -- a@host b@host\n", string(args))
	text, err := os.ReadFile(filepath.Join(dir, "mail"))
	require.NoError(t, err)
	require.Contains(t, string(text), "\r\n\r\nhi")
	o.program = filepath.Join(dir, "none")
	write(t, o, `{}`)
	require.EqualValues(t, 1, built.Env.Stats.Dropped.Load())
}

func TestAddresses(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		list, err := addresses(text)
		if err != nil {
			require.Equal(t, want, "error")
			return
		}
		var got []string
		for _, a := range list {
			got = append(got, a.Name+"<"+a.Address+">")
		}
		require.Equal(t, want, strings.Join(got, " "))
	}
	f("a@b", "<a@b>")
	f("a@b,c@d", "<a@b> <c@d>")
	f("root; Müller & Söhne <m@d>;", "<root> Müller & Söhne<m@d>")
	f("", "")
	f("%{missing}", "error")
	f("a b@c", "error")
	f("x <a@b", "error")
	f("a@b>\r\nRCPT TO:<c", "error")
}

func TestDiagnostics(t *testing.T) {
	f := func(conf, want string) {
		t.Helper()
		_, diags := build(t, conf)
		require.Contains(t, diags.String(), want)
	}
	bad := filepath.Join(t.TempDir(), "t")
	require.NoError(t, os.WriteFile(bad, []byte("{{#a}}"), 0o600))
	f(``, `option "to" is required`)
	f(`to => "a" port => 0`, "0 is no port")
	f(`to => "a" retries => -1`, "less than 0")
	f(`to => "a" via => "pigeon"`, "must be one of")
	f(`to => "a" username => "u"`, "username needs password")
	f(`to => "a" authentication => "ntlm"`, "none of plain, login, cram_md5")
	f(`to => "a" attachments => ["/nonexistent"]`, "there is no such file now")
	f(`to => "a" template_file => "`+bad+`"`, "template_file")
	f(`to => "a" subject => "%{[x}"`, "every event will be dropped")
	f(`to => "a" match => ["m", "dummy_match,ok"]`, "put a condition around the output")
	f(`to => "a" options => ["port", "x"]`, "is no port")
	f(`to => "a" options => { "cut" => 1 }`, "cut has no effect")
	f(`to => "a" debug => true`, "is deprecated")
	f(`to => "a" ssl_certificate_authorities => ["/nonexistent.pem"]`, "ssl_certificate_authorities")
}
