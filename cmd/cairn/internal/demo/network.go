package demo

import (
	"errors"
	"net"
	"net/netip"
	"slices"
)

// freeNetwork returns a network for the tasks of the demonstration. Another node on this
// machine may have the default one.
func freeNetwork() (netip.Prefix, error) {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return netip.Prefix{}, err
	}
	var used []netip.Prefix
	for _, a := range all {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			used = append(used, p)
		}
	}
	return freeOf(used)
}

// freeOf returns the first private network of our list that overlaps none of those in use.
func freeOf(used []netip.Prefix) (netip.Prefix, error) {
	for second := byte(213); second >= 100; second-- {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, second}), 16)
		if !slices.ContainsFunc(used, p.Overlaps) {
			return p, nil
		}
	}
	return netip.Prefix{}, errors.New("this machine has addresses in all networks from 10.100.0.0/16 to 10.213.0.0/16: use --driver local")
}
