package rabbitmq

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/internal/amqpclient"
	"millrace/pipeline/config"
	"millrace/pipeline/event"
	"millrace/pipeline/plugin"
)

// properties are what message_properties says, compiled. What is the same for all messages stands in fixed.
type properties struct {
	fixed   amqp.Publishing
	own     []property // of each event
	headers []header   // of each event; fixed has the others
}

// property is one whose value refers to fields.
type property struct {
	text *event.Template
	set  func(*amqp.Publishing, string) error
}

// header is one whose value refers to fields.
type header struct {
	name string
	text *event.Template
}

// setters set the properties by their names.
var setters = map[string]func(*amqp.Publishing, string) error{
	"app_id":           func(p *amqp.Publishing, s string) error { return short(&p.AppId, s) },
	"content_encoding": func(p *amqp.Publishing, s string) error { return short(&p.ContentEncoding, s) },
	"content_type":     func(p *amqp.Publishing, s string) error { return short(&p.ContentType, s) },
	"correlation_id":   func(p *amqp.Publishing, s string) error { return short(&p.CorrelationId, s) },
	"message_id":       func(p *amqp.Publishing, s string) error { return short(&p.MessageId, s) },
	"reply_to":         func(p *amqp.Publishing, s string) error { return short(&p.ReplyTo, s) },
	"type":             func(p *amqp.Publishing, s string) error { return short(&p.Type, s) },
	"user_id":          func(p *amqp.Publishing, s string) error { return short(&p.UserId, s) },
	"priority":         setPriority,
	"expiration":       setExpiration,
	"timestamp":        setTimestamp,
}

// short sets a property that is a text.
func short(dst *string, s string) error {
	if len(s) > amqpclient.MaxName {
		return fmt.Errorf("a property is longer than %d bytes", amqpclient.MaxName)
	}
	*dst = s
	return nil
}

// setPriority reads a number as Logstash does: what begins with none is 0.
func setPriority(p *amqp.Publishing, s string) error {
	s = strings.TrimSpace(s)
	end := 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, _ := strconv.Atoi(s[:end]) // 0 for none; the server takes the greatest that the queue has for more
	p.Priority = uint8(min(n, 255))
	return nil
}

// setExpiration reads milliseconds. The server would end the channel over anything else.
func setExpiration(p *amqp.Publishing, s string) error {
	if _, err := strconv.ParseUint(s, 10, 32); err != nil {
		return fmt.Errorf("the property expiration is %q, and no number of milliseconds", s)
	}
	p.Expiration = s
	return nil
}

// setTimestamp reads seconds since 1970, or a time as @timestamp is written.
func setTimestamp(p *amqp.Publishing, s string) error {
	if seconds, err := strconv.ParseInt(s, 10, 64); err == nil {
		p.Timestamp = time.Unix(seconds, 0)
		return nil
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return fmt.Errorf("the property timestamp is %q, and neither a number of seconds nor a time such as 2026-01-31T10:00:00Z", s)
	}
	p.Timestamp = at
	return nil
}

// compile reads the options message_properties and persistent.
func (o *Options) compile(env *plugin.Env) (*properties, error) {
	ps := &properties{fixed: amqp.Publishing{DeliveryMode: amqp.Transient}}
	if o.Persistent {
		ps.fixed.DeliveryMode = amqp.Persistent
	}
	var errs []error
	for _, e := range o.MessageProperties {
		set := setters[e.Key]
		switch {
		case e.Key == "headers":
			errs = append(errs, ps.addHeaders(e.Value))
		case e.Key == "persistent":
			env.Warn("message_properties", "persistent has no effect here: it is an option of the output")
		case e.Key == "cluster_id":
			env.Warn("message_properties", "cluster_id is not sent: it has no meaning for RabbitMQ, and the client library has no place for it")
		case set == nil:
			env.Warn("message_properties", "there is no property %q: it is not sent%s", e.Key, hint(e.Key))
		case e.Value.Type == config.TypeHash || e.Value.Type == config.TypeArray:
			errs = append(errs, plugin.EntryError("message_properties", e.Key, errors.New("it is one value")))
		default:
			t := event.ParseTemplate(e.Value.Text())
			err := t.Err()
			if t.Static() && err == nil {
				err = set(&ps.fixed, t.String())
			} else {
				ps.own = append(ps.own, property{&t, set})
			}
			if err != nil {
				errs = append(errs, plugin.EntryError("message_properties", e.Key, err))
			}
		}
	}
	return ps, errors.Join(errs...)
}

// hint names the property that was meant.
func hint(name string) string {
	names := []string{"headers"}
	for n := range setters {
		names = append(names, n)
	}
	if meant := config.Nearest(name, names); meant != "" {
		return fmt.Sprintf(" (did you mean %q?)", meant)
	}
	return ""
}

// addHeaders reads the headers, whose values are of any kind; texts may refer to fields.
func (ps *properties) addHeaders(v config.Value) error {
	if v.Type != config.TypeHash {
		return plugin.EntryError("message_properties", "headers", errors.New("headers have names: write a hash"))
	}
	table, err := amqpclient.Table(v.Hash)
	if err != nil {
		return plugin.EntryError("message_properties", "headers", err)
	}
	ps.fixed.Headers = table
	for _, e := range v.Hash {
		if e.Value.Type != config.TypeString {
			continue
		}
		t := event.ParseTemplate(e.Value.Text())
		if t.Err() != nil {
			return plugin.EntryError("message_properties", "headers", fmt.Errorf("%s: %w", e.Key, t.Err()))
		}
		if !t.Static() {
			ps.headers = append(ps.headers, header{e.Key, &t})
		}
	}
	return nil
}

// of returns the properties of an event's message.
func (ps *properties) of(e *event.Event) (amqp.Publishing, error) {
	p := ps.fixed
	for i := range ps.own {
		text, err := ps.own[i].text.Text(e)
		if err == nil {
			err = ps.own[i].set(&p, text)
		}
		if err != nil {
			return p, err
		}
	}
	if len(ps.headers) > 0 {
		all := make(amqp.Table, len(p.Headers))
		for name, v := range p.Headers {
			all[name] = v
		}
		for _, h := range ps.headers {
			text, err := h.text.Text(e)
			if err != nil {
				return p, err
			}
			all[h.name] = text
		}
		p.Headers = all
	}
	return p, nil
}
