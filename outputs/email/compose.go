package email

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"time"

	"millrace/pipeline/event"
)

// mail is one mail, ready to be sent.
type mail struct {
	from string
	to   []string // all that get it
	text []byte
}

// part is a part of a mail: a header and how its body is written.
type part struct {
	header textproto.MIMEHeader
	write  func(io.Writer) error
}

// compose makes the mail of e.
func (o *output) compose(e *event.Event) (*mail, error) {
	m := new(mail)
	header := new(bytes.Buffer)
	field := func(name, text string) {
		if text != "" {
			fmt.Fprintf(header, "%s: %s\r\n", name, text)
		}
	}
	field("Date", time.Now().Format(time.RFC1123Z))
	for _, f := range []struct {
		name string
		from *event.Template
	}{{"From", &o.o.From}, {"To", &o.o.To}, {"Reply-To", &o.o.ReplyTo}, {"Cc", &o.o.Cc}, {"", &o.o.Bcc}} {
		text, err := f.from.Text(e)
		if err != nil {
			return nil, err
		}
		list, err := addresses(text)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", f.from.String(), err)
		}
		m.add(f.name, list)
		if f.name != "" {
			field(f.name, written(list))
		}
	}
	if m.from == "" || len(m.to) == 0 {
		return nil, fmt.Errorf("it goes from nobody or to nobody")
	}
	field("Message-ID", "<"+rand.Text()+"@"+oneLine(o.o.Domain)+">")
	subject, err := o.o.Subject.Text(e)
	if err != nil {
		return nil, err
	}
	field("Subject", strings.ReplaceAll(mime.QEncoding.Encode("UTF-8", subject), "?= =?", "?=\r\n =?"))
	field("MIME-Version", "1.0")
	body, err := o.content(e)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"Content-Type", "Content-Transfer-Encoding"} {
		field(name, body.header.Get(name))
	}
	header.WriteString("\r\n")
	if err := body.write(header); err != nil {
		return nil, err
	}
	m.text = header.Bytes()
	return m, nil
}

// add adds who sends or gets the mail.
func (m *mail) add(field string, list []*netmail.Address) {
	for _, a := range list {
		switch field {
		case "From":
			m.from = a.Address
		case "Reply-To":
		default:
			m.to = append(m.to, a.Address)
		}
	}
}

// addresses reads a list, also one that is no list by the standard: names without quotes, semicolons.
func addresses(text string) ([]*netmail.Address, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if list, err := netmail.ParseAddressList(text); err == nil {
		return list, nil
	}
	var list []*netmail.Address
	for a := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ';' }) {
		a = strings.TrimSpace(a)
		name, rest, angled := strings.Cut(a, "<")
		address, tail, closed := strings.Cut(rest, ">")
		if !angled {
			name, address, closed = "", a, true
		}
		if a == "" {
			continue
		}
		if !closed || tail != "" || strings.ContainsAny(address, " \t\r\n<>\"") || strings.Contains(address, "%{") {
			return nil, fmt.Errorf("%q is no address", a)
		}
		list = append(list, &netmail.Address{Name: strings.TrimSpace(name), Address: address})
	}
	return list, nil
}

// written writes addresses for a header, one a line.
func written(list []*netmail.Address) string {
	var texts []string
	for _, a := range list {
		if a.Name == "" {
			texts = append(texts, a.Address)
		} else {
			texts = append(texts, a.String())
		}
	}
	return strings.Join(texts, ",\r\n ")
}

func oneLine(s string) string { return strings.NewReplacer("\r", " ", "\n", " ").Replace(s) }

// content makes what follows the header: the text, the text and its HTML form, or either with the attachments.
func (o *output) content(e *event.Event) (part, error) {
	text, err := o.o.Body.Text(e)
	if err != nil {
		return part{}, err
	}
	body := textPart("text/plain; charset=UTF-8", strings.ReplaceAll(text, `\n`, "\n"))
	html, err := o.html(e)
	if err != nil {
		return part{}, err
	}
	if html != "" || o.template != nil {
		body = container("alternative", body, textPart(o.o.ContentType, html))
	}
	if len(o.o.Attachments) == 0 {
		return body, nil
	}
	parts := []part{body}
	for _, path := range o.o.Attachments {
		data, err := os.ReadFile(path)
		if err != nil {
			o.log.Error("a mail goes without an attachment", slog.Any("error", err))
			continue
		}
		parts = append(parts, attachment(filepath.Base(path), data))
	}
	return container("mixed", parts...), nil
}

// html returns the HTML form of the mail, "" if there is none.
func (o *output) html(e *event.Event) (string, error) {
	if o.template == nil {
		return o.o.HTMLBody.Text(e)
	}
	d := json.NewDecoder(bytes.NewReader(e.AppendJSON(nil)))
	d.UseNumber() // numbers are printed as they are
	var fields map[string]any
	if err := d.Decode(&fields); err != nil {
		return "", err
	}
	return o.template.Render(fields)
}

// textPart is a text with the line ends of mail: as it is if it is short lines of ASCII.
func textPart(contentType, text string) part {
	text = strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
	header := textproto.MIMEHeader{"Content-Type": {oneLine(contentType)}}
	if plain(text) {
		header.Set("Content-Transfer-Encoding", "7bit")
		return part{header, func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		}}
	}
	header.Set("Content-Transfer-Encoding", "quoted-printable")
	return part{header, func(w io.Writer) error {
		q := quotedprintable.NewWriter(w)
		if _, err := io.WriteString(q, text); err != nil {
			return err
		}
		return q.Close()
	}}
}

// longestLine is that of a mail, without its end.
const longestLine = 998

func plain(text string) bool {
	for line := range strings.SplitSeq(text, "\r\n") {
		if len(line) > longestLine || strings.ContainsFunc(line, func(r rune) bool { return r > 126 || r < ' ' && r != '\t' }) {
			return false
		}
	}
	return true
}

// container holds parts.
func container(kind string, parts ...part) part {
	boundary := rand.Text()
	header := textproto.MIMEHeader{"Content-Type": {`multipart/` + kind + `; boundary="` + boundary + `"`}}
	return part{header, func(w io.Writer) error {
		m := multipart.NewWriter(w)
		if err := m.SetBoundary(boundary); err != nil {
			return err
		}
		for _, p := range parts {
			inner, err := m.CreatePart(p.header)
			if err == nil {
				err = p.write(inner)
			}
			if err != nil {
				return err
			}
		}
		return m.Close()
	}}
}

// base64Line is the length of a line of base64 in mail.
const base64Line = 76

func attachment(name string, data []byte) part {
	kind := mime.TypeByExtension(filepath.Ext(name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	header := textproto.MIMEHeader{
		"Content-Type": {kind}, "Content-Transfer-Encoding": {"base64"},
		"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": name})},
	}
	return part{header, func(w io.Writer) error {
		text := base64.StdEncoding.EncodeToString(data)
		for len(text) > 0 {
			n := min(len(text), base64Line)
			if _, err := io.WriteString(w, text[:n]+"\r\n"); err != nil {
				return err
			}
			text = text[n:]
		}
		return nil
	}}
}
