//go:build !linux

package tasklisten

import (
	"context"
	"errors"
	"net"
	"net/netip"
)

// Listen fails: it needs Linux.
func Listen(context.Context, netip.AddrPort) (net.Listener, error) {
	return nil, errors.New("tasks need Linux")
}
