//go:build !linux

package drivertest

import (
	"errors"
	"net/netip"
)

func routeBy(netip.Addr, netip.Addr) error { return errors.ErrUnsupported }

func unroute(netip.Addr) error { return errors.ErrUnsupported }
