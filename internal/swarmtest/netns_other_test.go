//go:build !linux

package swarmtest

import (
	"context"
	"errors"
	"net"
)

func (e *engine) dial(context.Context, string, string) (net.Conn, error) {
	return nil, errors.New("namespaces exist on Linux only")
}
