package amqpclient

import (
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/pipeline/config"
)

// Table returns a hash of the configuration as RabbitMQ reads it: numbers are numbers, and the words true and false are what they say, as no
// argument of RabbitMQ takes them for text.
func Table(h config.Hash) amqp.Table {
	if len(h) == 0 {
		return nil
	}
	t := make(amqp.Table, len(h))
	for _, e := range h {
		t[e.Key] = value(e.Value)
	}
	return t
}

func value(v config.Value) any {
	switch v.Type {
	case config.TypeInt:
		return v.Int
	case config.TypeFloat:
		return v.Float
	case config.TypeHash:
		return Table(v.Hash)
	case config.TypeArray:
		items := make([]any, len(v.Items))
		for i := range v.Items {
			items[i] = value(v.Items[i])
		}
		return items
	}
	switch text := v.Text(); strings.ToLower(text) {
	case "true":
		return true
	case "false":
		return false
	default:
		return text
	}
}

// Predefined reports whether an exchange is one of the server's own, which nobody declares.
func Predefined(exchange string) bool { return exchange == "" || strings.HasPrefix(exchange, "amq.") }

// MaxName is the most bytes of a name, a routing key or a property.
const MaxName = 255
