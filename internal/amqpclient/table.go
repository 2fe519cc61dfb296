package amqpclient

import (
	"fmt"
	"strings"

	amqp "github.com/rabbitmq/amqp091-go"

	"millrace/pipeline/config"
)

// Table returns a hash of the configuration as RabbitMQ reads it: numbers are numbers, and the words true and false are what they say, as no
// argument of RabbitMQ takes them for text.
func Table(h config.Hash) (amqp.Table, error) {
	if len(h) == 0 {
		return nil, nil
	}
	t := make(amqp.Table, len(h))
	for _, e := range h {
		if len(e.Key) > MaxName {
			return nil, fmt.Errorf("a name is longer than %d bytes", MaxName)
		}
		v, err := value(e.Value)
		if err != nil {
			return nil, err
		}
		t[e.Key] = v
	}
	return t, nil
}

func value(v config.Value) (any, error) {
	switch v.Type {
	case config.TypeInt:
		return v.Int, nil
	case config.TypeFloat:
		return v.Float, nil
	case config.TypeHash:
		return Table(v.Hash)
	case config.TypeArray:
		items := make([]any, len(v.Items))
		for i := range v.Items {
			item, err := value(v.Items[i])
			if err != nil {
				return nil, err
			}
			items[i] = item
		}
		return items, nil
	}
	switch text := v.Text(); strings.ToLower(text) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	default:
		return text, nil
	}
}

// Predefined reports whether an exchange is one of the server's own, which nobody declares.
func Predefined(exchange string) bool { return exchange == "" || strings.HasPrefix(exchange, "amq.") }

// MaxName is the most bytes of a name, a routing key or a property.
const MaxName = 255
