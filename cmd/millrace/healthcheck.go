package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

// healthcheckCommand asks a running Millrace whether it is ready: for images that have no curl.
func (p *program) healthcheckCommand() *cobra.Command {
	var f apiFlags
	cmd := &cobra.Command{
		Use:   "healthcheck",
		Short: "Exit with 0 if a running Millrace is ready, else with 1",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := f.client(cmd.Flags())
			if err != nil {
				return err
			}
			return c.check(commandContext(cmd))
		},
	}
	f.run.flags(cmd.Flags())
	f.connection(cmd.Flags())
	return cmd
}

// commandContext is the command's context, which tests leave out.
func commandContext(cmd *cobra.Command) context.Context {
	if ctx := cmd.Context(); ctx != nil {
		return ctx
	}
	return context.Background()
}

// check asks whether the pipelines run. That needs no credentials.
func (c *apiClient) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	resp, err := c.get(ctx, "/healthz")
	var answer *apiError
	if errors.As(err, &answer) && answer.Status == http.StatusServiceUnavailable {
		return fmt.Errorf("not ready: %d %s", answer.Status, http.StatusText(answer.Status))
	}
	if err != nil {
		return err
	}
	return resp.Body.Close()
}
