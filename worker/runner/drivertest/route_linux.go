package drivertest

import (
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
)

// routeBy sends packets of this machine to an address by way of another one.
func routeBy(to, by netip.Addr) error {
	return netlink.RouteAdd(&netlink.Route{Dst: only(to), Gw: by.AsSlice()})
}

// unroute undoes routeBy.
func unroute(to netip.Addr) error { return netlink.RouteDel(&netlink.Route{Dst: only(to)}) }

func only(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(a.BitLen(), a.BitLen())}
}
