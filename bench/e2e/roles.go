//go:build linux

package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"syscall"

	"millrace/bench/floor"
	"millrace/bench/internal/load"
	"millrace/bench/internal/sink"
)

// The lines that the roles print when they are ready or done.
const (
	listenLine = "LISTEN "
	resultLine = "RESULT "
)

func runSink(args []string) error {
	var o sink.Options
	fs := flag.NewFlagSet("e2e sink", flag.ContinueOnError)
	listen := fs.String("listen", "127.0.0.1:9200", "host:port to listen on")
	fs.BoolVar(&o.Record, "record", false, "read the mark of every document")
	fs.DurationVar(&o.Latency, "latency", 0, "hold every bulk answer back")
	fs.Float64Var(&o.ErrorRate, "errors", 0, "share of bulk requests answered 429")
	fs.Float64Var(&o.ItemErrorRate, "item-errors", 0, "share of documents answered 429")
	fs.Uint64Var(&o.Seed, "seed", 1, "decides which are refused")
	if err := fs.Parse(args); err != nil {
		return err
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	fmt.Println(listenLine + l.Addr().String())
	return sink.New(o).Serve(l)
}

func runLoad(args []string) error {
	var o load.Options
	fs := flag.NewFlagSet("e2e load", flag.ContinueOnError)
	fs.StringVar(&o.Address, "address", "127.0.0.1:5000", "the shipper's host:port")
	fs.StringVar(&o.Workload, "workload", "apache", "kind of lines")
	fs.Uint64Var(&o.Events, "events", 1_000_000, "lines to send")
	fs.IntVar(&o.Conns, "conns", 4, "TCP connections")
	fs.Float64Var(&o.Rate, "rate", 0, "lines a second; 0 is as fast as they are taken")
	if err := fs.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	res, err := load.Run(ctx, o)
	if err != nil {
		return err
	}
	text, err := json.Marshal(res)
	if err != nil {
		return err
	}
	fmt.Println(resultLine + string(text))
	return nil
}

func runFloor(args []string) error {
	fs := flag.NewFlagSet("e2e floor", flag.ContinueOnError)
	listen := fs.String("listen", "127.0.0.1:5000", "host:port to listen on")
	es := fs.String("elasticsearch", "127.0.0.1:9200", "host:port to write to")
	if err := fs.Parse(args); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	return floor.Serve(ctx, l, *es)
}
