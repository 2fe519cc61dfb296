package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthcheckCommand asks a running Millrace whether it is ready: for images that have no curl.
func (p *program) healthcheckCommand() *cobra.Command {
	var o runOptions
	var url string
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Exit with 0 if a running Millrace is ready, else with 1",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if url != "" {
				return check(cmd.Context(), url)
			}
			l, err := load(cmd.Flags(), &o)
			if err != nil {
				return err
			}
			return checkPorts(cmd.Context(), l.settings.Get("api.http.host"), l.settings.Get("api.http.port"))
		},
	}
	o.flags(cmd.Flags())
	cmd.Flags().StringVar(&url, "url", "", "address of the API (default: by api.http.host and api.http.port)")
	return cmd
}

// checkPorts asks at the first port of a range that answers.
func checkPorts(ctx context.Context, host, ports string) error {
	if host == "" || host == "0.0.0.0" || host == "::" {
		host = "127.0.0.1"
	}
	first, last, isRange := strings.Cut(ports, "-")
	low, err := strconv.Atoi(first)
	high := low
	if isRange && err == nil {
		high, err = strconv.Atoi(last)
	}
	if err != nil {
		return fmt.Errorf("api.http.port: %q is neither a port nor a range", ports)
	}
	for port := low; ; port++ {
		err := check(ctx, "http://"+net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil || port >= high || !errors.Is(err, errNoAnswer) {
			return err
		}
	}
}

// errNoAnswer tells that nobody listens.
var errNoAnswer = errors.New("no answer")

func check(ctx context.Context, url string) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(url, "/")+"/healthz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			return fmt.Errorf("%w at %s", errNoAnswer, url)
		}
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", resp.Status)
	}
	return nil
}
