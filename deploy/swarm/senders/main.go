// Command senders sends each line of its standard input to logstash:9000 (or ADDRESS host:port) as a JSON line: an example of an
// application that logs over TCP. A connection whose other side is closing reads as ended: it is replaced before the next line, so an
// update of the service loses none.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"time"
)

// record is one line, with the fields of the Elastic Common Schema.
type record struct {
	Message string  `json:"message"`
	Service service `json:"service"`
}

type service struct {
	Name string `json:"name"`
}

// conn is a connection and the news of its end.
type conn struct {
	net.Conn
	ended chan struct{}
}

// connect returns a connection as soon as there is one.
func connect(address string) *conn {
	for {
		c, err := net.DialTimeout("tcp", address, 5*time.Second)
		if err == nil {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				_, _ = c.Read(make([]byte, 1)) // nobody writes to us: this returns when the other side closes
			}()
			return &conn{c, ended}
		}
		fmt.Fprintf(os.Stderr, "send: %v; trying again\n", err)
		time.Sleep(500 * time.Millisecond)
	}
}

// send writes text to c, or to a new connection if c has ended.
func send(c *conn, address string, text []byte) *conn {
	for {
		select {
		case <-c.ended:
		default:
			if _, err := c.Write(text); err == nil {
				return c
			}
		}
		_ = c.Close() // it ended: there is nothing to save
		c = connect(address)
	}
}

func main() {
	address := os.Getenv("ADDRESS")
	if address == "" {
		address = "logstash:9000"
	}
	c := connect(address)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text, err := json.Marshal(record{Message: lines.Text(), Service: service{Name: "send.go"}})
		if err != nil {
			panic("BUG: strings are no JSON: " + err.Error())
		}
		c = send(c, address, append(text, '\n'))
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, "send:", err)
		os.Exit(1)
	}
	if err := c.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "send:", err)
		os.Exit(1)
	}
}
