package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"millrace/internal/redisclient"
)

// blockTime is how long an empty list is waited on by one command. The wait is not broken off when the input stops, for an element might be
// on its way that is no longer in Redis.
const blockTime = time.Second

// list takes elements until ctx ends or the connection fails.
func (in *input) list(ctx context.Context, r *reader) error {
	c := &taker{in: in, c: in.client()}
	defer func() { _ = c.c.Close() }()
	for ctx.Err() == nil {
		items, err := c.take()
		if err != nil {
			return err
		}
		b := r.batch()
		for _, item := range items {
			r.add(b, item)
		}
		if err := r.push(ctx, b, ""); err != nil {
			c.giveBack(items)
			return err
		}
	}
	return nil
}

// taker takes elements from the list: as many as it may while there are some, and waits for one when there are none.
type taker struct {
	in   *input
	c    *redisclient.Client
	sha  string
	wait bool // the list was empty
	slow bool // the server runs no scripts
}

func (t *taker) take() ([]string, error) {
	if t.in.o.BatchCount == 1 || t.wait {
		item, err := t.one()
		t.wait = false
		return item, err
	}
	items, err := t.many()
	t.wait = err == nil && len(items) == 0
	return items, err
}

// giveBack puts elements that the pipeline did not take back to where they were.
func (t *taker) giveBack(items []string) {
	args := []any{t.in.names["lpush"], t.in.o.Key}
	for _, item := range slices.Backward(items) {
		args = append(args, item)
	}
	if err := t.c.Do(context.Background(), args...).Err(); err != nil {
		t.in.lose(len(items), err)
		return
	}
	t.in.taken.Add(-int64(len(items)))
	t.in.env.Log.Warn("elements that the pipeline did not take are in the list again", "elements", len(items))
}

// one waits for an element.
func (t *taker) one() ([]string, error) {
	reply, err := t.c.Do(context.Background(), t.in.names["blpop"], t.in.o.Key, int(blockTime/time.Second)).StringSlice()
	if errors.Is(err, redisclient.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("taking from the list %q: %w", t.in.o.Key, err)
	}
	return reply[min(1, len(reply)):], nil // the first is the key
}

// many takes what is there, by one script or, where the server runs none, by several commands at once.
func (t *taker) many() ([]string, error) {
	if t.slow {
		return t.pipelined()
	}
	for range 2 {
		if t.sha == "" {
			if err := t.load(); err != nil {
				return t.fall(err)
			}
		}
		items, err := t.c.Do(context.Background(), t.in.names["evalsha"], t.sha, 1, t.in.o.Key, t.in.o.BatchCount-1).StringSlice()
		switch {
		case err == nil || errors.Is(err, redisclient.Nil):
			return items, nil
		case !strings.HasPrefix(err.Error(), "NOSCRIPT"):
			return t.fall(err)
		}
		t.sha = "" // the server was started anew
	}
	return nil, errors.New("the server forgets the script at once")
}

// load tells the server the script, with the commands by the names that it has there.
func (t *taker) load() error {
	script := fmt.Sprintf(`local last = tonumber(ARGV[1])
local items = redis.call('%s', KEYS[1], 0, last)
redis.call('%s', KEYS[1], last + 1, -1)
return items`, t.in.names["lrange"], t.in.names["ltrim"])
	sha, err := t.c.Do(context.Background(), t.in.names["script"], "load", script).Text()
	t.sha = sha
	return err
}

// fall goes on without scripts if err says that the server has none.
func (t *taker) fall(err error) ([]string, error) {
	text := err.Error()
	if strings.HasPrefix(text, "NOPERM") || strings.Contains(strings.ToLower(text), "unknown command") {
		t.slow = true
		t.in.env.Log.Info("the server runs no scripts; elements are taken by pipelined commands", "error", err)
		return t.pipelined()
	}
	return nil, fmt.Errorf("taking from the list %q: %w", t.in.o.Key, err)
}

// pipelined sends as many commands as elements are wanted, all at once.
func (t *taker) pipelined() ([]string, error) {
	ctx := context.Background()
	p := t.c.Pipeline()
	for range t.in.o.BatchCount {
		p.Do(ctx, t.in.names["lpop"], t.in.o.Key)
	}
	cmds, failed := p.Exec(ctx)
	var items []string
	for _, c := range cmds {
		if reply, ok := c.(interface{ Text() (string, error) }); ok {
			if text, err := reply.Text(); err == nil {
				items = append(items, text)
			}
		}
	}
	if len(items) > 0 || errors.Is(failed, redisclient.Nil) {
		failed = nil // what was taken counts; an error comes again
	}
	return items, failed
}
