package email

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/smtp"
	"net/textproto"
	"os/exec"
	"strconv"
	"time"
)

// mailTimeout bounds the connection and then each mail.
const mailTimeout = time.Minute

// implicitTLS is the port where TLS begins with the connection.
const implicitTLS = 465

// smtp sends mails by the server. It returns those that were not sent because of the session; one that the server refuses is among them alone
// if it did so for now.
func (o *output) smtp(ctx context.Context, mails []*mail) (left []*mail, err error) {
	client, conn, err := o.dial(ctx)
	if err != nil {
		return mails, judged(err)
	}
	defer client.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	for i, m := range mails {
		if err := conn.SetDeadline(time.Now().Add(mailTimeout)); err != nil {
			return append(left, mails[i:]...), err
		}
		e := o.deliver(client, m)
		var reply *textproto.Error
		switch {
		case e == nil:
			o.env.Stats.Delivered.Add(1)
			continue
		case !errors.As(e, &reply):
			return append(left, mails[i:]...), e // the session is over
		}
		var r *refusal
		if errors.As(judged(e), &r) {
			o.refused(mails[i:i+1], r)
		} else {
			left, err = append(left, m), e
		}
		if e := client.Reset(); e != nil {
			return append(left, mails[i+1:]...), e
		}
	}
	_ = client.Quit() // all is sent
	return left, err
}

// judged marks what the server refuses for good: a reply that begins with 5.
func judged(err error) error {
	var reply *textproto.Error
	if errors.As(err, &reply) && reply.Code >= 500 {
		return &refusal{err}
	}
	return err
}

// dial begins a session.
func (o *output) dial(ctx context.Context) (*smtp.Client, net.Conn, error) {
	d := net.Dialer{Timeout: mailTimeout}
	conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(o.o.Address, strconv.Itoa(o.o.Port)))
	if err != nil {
		return nil, nil, err
	}
	raw := conn
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() }) // a server may take its time over greetings
	defer stop()
	if err = conn.SetDeadline(time.Now().Add(mailTimeout)); err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	encrypted := o.o.UseTLS && o.o.Port == implicitTLS
	if encrypted {
		conn = tls.Client(conn, o.tls)
	}
	client, err := smtp.NewClient(conn, o.o.Address)
	if err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	if err := o.greet(client, encrypted); err != nil {
		_ = client.Close()
		return nil, nil, err
	}
	return client, conn, nil
}

func (o *output) greet(client *smtp.Client, encrypted bool) error {
	if err := client.Hello(o.o.Domain); err != nil {
		return err
	}
	if o.o.UseTLS && !encrypted {
		if ok, _ := client.Extension("STARTTLS"); !ok {
			return &refusal{fmt.Errorf("use_tls is set, and the server does not offer STARTTLS")}
		}
		if err := client.StartTLS(o.tls); err != nil {
			return err
		}
	}
	if o.o.Username == "" {
		return nil
	}
	return client.Auth(o.auth())
}

func (o *output) auth() smtp.Auth {
	switch o.o.Authentication {
	case "cram_md5":
		return smtp.CRAMMD5Auth(o.o.Username, o.o.Password.Reveal())
	case "login":
		return &login{o.o.Username, o.o.Password.Reveal()}
	}
	return &plainAuth{o.o.Username, o.o.Password.Reveal()}
}

// plainAuth is PLAIN. Unlike that of net/smtp it does not insist on TLS: whoever wants that says use_tls.
type plainAuth struct{ user, password string }

// Start implements smtp.Auth.
func (a *plainAuth) Start(*smtp.ServerInfo) (string, []byte, error) {
	return "PLAIN", []byte("\x00" + a.user + "\x00" + a.password), nil
}

// Next implements smtp.Auth.
func (a *plainAuth) Next(_ []byte, more bool) ([]byte, error) {
	if more {
		return nil, errors.New("the server asks for more than PLAIN knows")
	}
	return nil, nil
}

// login is LOGIN: the server asks for the name and then for the password.
type login struct{ user, password string }

// Start implements smtp.Auth.
func (a *login) Start(*smtp.ServerInfo) (string, []byte, error) { return "LOGIN", nil, nil }

// Next implements smtp.Auth.
func (a *login) Next(question []byte, more bool) ([]byte, error) {
	switch {
	case !more:
		return nil, nil
	case bytes.HasPrefix(bytes.ToLower(question), []byte("user")):
		return []byte(a.user), nil
	}
	return []byte(a.password), nil
}

// deliver sends one mail, to those that the server takes it for if that is anybody.
func (o *output) deliver(client *smtp.Client, m *mail) error {
	if err := client.Mail(m.from); err != nil {
		return err
	}
	refused := 0
	for _, to := range m.to {
		err := client.Rcpt(to)
		var reply *textproto.Error
		if err != nil && !errors.As(err, &reply) {
			return err
		}
		if err == nil {
			continue
		}
		if refused++; refused == len(m.to) {
			return err
		}
		o.log.Error("a mail does not go to everybody: the server refuses an address", slog.Any("error", err))
	}
	w, err := client.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(m.text); err != nil {
		return err
	}
	return w.Close()
}

// sendmailPath is where the program is on every system that has it.
const sendmailPath = "/usr/sbin/sendmail"

// sendmail sends mails by the program of this machine.
func (o *output) sendmail(ctx context.Context, mails []*mail) (left []*mail, err error) {
	for _, m := range mails {
		if e := o.sendOne(ctx, m); e != nil {
			left, err = append(left, m), e
			continue
		}
		o.env.Stats.Delivered.Add(1)
	}
	return left, err
}

func (o *output) sendOne(ctx context.Context, m *mail) error {
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	args := append([]string{"-i", "-f", m.from, "--"}, m.to...)
	cmd := exec.CommandContext(ctx, o.program, args...)
	cmd.Stdin = bytes.NewReader(m.text)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("running sendmail: %w: %s", err, bytes.TrimSpace(text))
	}
	return nil
}
