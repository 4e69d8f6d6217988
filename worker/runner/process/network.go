//go:build linux

package process

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/core/task"
)

// inNamespace runs f on a thread of its own that is in the network namespace of a file.
// The thread ends afterwards, because a thread that has changed its namespace must not
// be used for anything else.
func inNamespace(file string, f func() error) error {
	return onThread(func() error {
		ns, err := netns.GetFromPath(file)
		if err != nil {
			return fmt.Errorf("network namespace: %w", err)
		}
		defer ns.Close()
		if err := netns.Set(ns); err != nil {
			return fmt.Errorf("network namespace: %w", err)
		}
		return f()
	})
}

// onThread runs f on a thread that ends afterwards.
func onThread(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // without unlocking, the thread ends with the goroutine
		done <- f()
	}()
	return <-done
}

// newNamespace makes a network namespace that the file keeps. The file gets it when all
// else is done, as the program may be killed at any moment.
func newNamespace(file string) error {
	if isNamespace(file) {
		return nil
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_RDONLY, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	return onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("network namespace: %w", err)
		}
		// Ports below 1024 need no privilege in a task, as with Docker.
		_ = os.WriteFile("/proc/sys/net/ipv4/ip_unprivileged_port_start", []byte("0"), 0)
		if err := loopbackUp(); err != nil {
			return fmt.Errorf("network namespace: loopback: %w", err)
		}
		if err := unix.Mount("/proc/thread-self/ns/net", file, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("network namespace: mount: %w", err)
		}
		return nil
	})
}

// isNamespace reports whether a namespace is mounted on the file.
func isNamespace(file string) bool {
	var s unix.Statfs_t
	return unix.Statfs(file, &s) == nil && s.Type == unix.NSFS_MAGIC
}

// removeNamespace lets go of a namespace. Its interfaces end with it.
func removeNamespace(file string) error {
	for isNamespace(file) {
		if err := unix.Unmount(file, unix.MNT_DETACH); err != nil {
			return fmt.Errorf("network namespace: unmount: %w", err)
		}
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}

// attachment is the place of a network namespace on a bridge.
type attachment struct {
	namespace string // file
	bridge    string
	host      string // name of the interface of this machine
	addresses []netip.Prefix
	gateways  []netip.Addr
	mac       net.HardwareAddr
	redirects []task.Redirect
	connect   uint16 // where task.ConnectRange leads
}

// attach gives a namespace an interface "eth0" on a bridge. It may be called again: an
// interface that is there is replaced, because it may be incomplete.
func attach(a *attachment) error {
	if err := removeLink(a.host); err != nil {
		return err
	}
	bridge, err := netlink.LinkByName(a.bridge)
	if err != nil {
		return fmt.Errorf("bridge %s: %w", a.bridge, err)
	}
	ns, err := netns.GetFromPath(a.namespace)
	if err != nil {
		return err
	}
	defer ns.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MasterIndex, attrs.MTU = a.host, bridge.Attrs().Index, bridge.Attrs().MTU
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: "eth0", PeerHardwareAddr: a.mac, PeerNamespace: netlink.NsFd(ns)}
	if err := netlink.LinkAdd(veth); err != nil {
		return fmt.Errorf("interface %s: %w", a.host, err)
	}
	if err := noRouterAdvertisements(a.host); err != nil {
		return err
	}
	host, err := netlink.LinkByName(a.host)
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(host); err != nil {
		return err
	}
	return inNamespace(a.namespace, a.configure)
}

// noRouterAdvertisements keeps the addresses of an interface those that are given to
// it. A machine without IPv6 has no such setting.
func noRouterAdvertisements(name string) error {
	err := os.WriteFile(filepath.Join("/proc/sys/net/ipv6/conf", name, "accept_ra"), []byte("0"), 0)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// configure sets addresses and routes within the namespace.
func (a *attachment) configure() error {
	link, err := netlink.LinkByName("eth0")
	if err != nil {
		return fmt.Errorf("interface eth0: %w", err)
	}
	if err := noRouterAdvertisements("eth0"); err != nil {
		return err
	}
	for _, p := range a.addresses {
		addr := &netlink.Addr{IPNet: ipNet(p)}
		if p.Addr().Is6() {
			addr.Flags = unix.IFA_F_NODAD // the pool gives each address to one task
		}
		if err := netlink.AddrReplace(link, addr); err != nil {
			return fmt.Errorf("address %v: %w", p, err)
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return err
	}
	if err := redirect(a.redirects, a.connect); err != nil {
		return err
	}
	for _, g := range a.gateways {
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Gw: g.AsSlice(), Dst: ipNet(netip.PrefixFrom(unspecified(g), 0))}
		if err := netlink.RouteReplace(route); err != nil {
			return fmt.Errorf("default route by %v: %w", g, err)
		}
	}
	return nil
}

func unspecified(like netip.Addr) netip.Addr {
	if like.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

// ensureBridge makes a bridge with addresses of this machine.
func ensureBridge(name, alias string, addresses []netip.Prefix) error {
	if err := notElsewhere(name, addresses); err != nil {
		return err
	}
	link, err := netlink.LinkByName(name)
	if err != nil {
		attrs := netlink.NewLinkAttrs()
		attrs.Name, attrs.HardwareAddr = name, hardwareAddr(alias, name)
		err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: attrs})
		if err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("bridge %s: %w", name, err)
		}
		if link, err = netlink.LinkByName(name); err != nil {
			return fmt.Errorf("bridge %s: %w", name, err)
		}
	}
	if link.Attrs().Alias != alias { // it says whose bridge it is; Cleanup looks for it
		if err := netlink.LinkSetAlias(link, alias); err != nil {
			return fmt.Errorf("bridge %s: %w", name, err)
		}
	}
	for _, p := range addresses {
		addr := &netlink.Addr{IPNet: ipNet(p)}
		if p.Addr().Is6() {
			addr.Flags = unix.IFA_F_NODAD
		}
		if err := netlink.AddrReplace(link, addr); err != nil {
			return fmt.Errorf("bridge %s: address %v: %w", name, p, err)
		}
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bridge %s: %w", name, err)
	}
	return forwarding(addresses)
}

// notElsewhere returns an error if another interface has an address in one of the
// subnets: packets for tasks would go there.
func notElsewhere(name string, subnets []netip.Prefix) error {
	own := -1 // the index of no interface
	if link, err := netlink.LinkByName(name); err == nil {
		own = link.Attrs().Index
	}
	all, err := complete(func() ([]netlink.Addr, error) { return netlink.AddrList(nil, netlink.FAMILY_ALL) })
	if err != nil {
		return fmt.Errorf("addresses of this machine: %w", err)
	}
	for _, a := range all {
		ip, ok := netip.AddrFromSlice(a.IP)
		if !ok || a.LinkIndex == own {
			continue
		}
		for _, s := range subnets {
			if s.Contains(ip.Unmap()) {
				return fmt.Errorf("subnet %v is used by another interface of this machine, which has %v: choose other prefixes in runner.subnets, or stop the node that uses them", s.Masked(), ip.Unmap())
			}
		}
	}
	return nil
}

// complete calls a function that lists something of the kernel until nothing has changed
// meanwhile: interfaces of other tasks come and go.
func complete[T any](list func() ([]T, error)) ([]T, error) {
	const attempts = 50
	for attempt := 1; ; attempt++ {
		all, err := list()
		if !errors.Is(err, netlink.ErrDumpInterrupted) || attempt == attempts {
			return all, err
		}
	}
}

// forwarding lets this machine route for the tasks. The settings are those that every
// container engine makes.
func forwarding(addresses []netip.Prefix) error {
	files := []string{"/proc/sys/net/ipv4/ip_forward"}
	for _, p := range addresses {
		if p.Addr().Is6() {
			files = append(files, "/proc/sys/net/ipv6/conf/all/forwarding")
		}
	}
	for _, file := range files {
		if number(file) == 1 {
			continue
		}
		if err := os.WriteFile(file, []byte("1"), 0); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// removeLinks deletes the interfaces of this machine that carry the alias.
func removeLinks(alias string) error {
	links, err := complete(netlink.LinkList)
	if err != nil {
		return err
	}
	for _, l := range links {
		if l.Attrs().Alias == alias {
			err = errors.Join(err, netlink.LinkDel(l))
		}
	}
	return err
}

// removeLink deletes an interface if it is there.
func removeLink(name string) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return nil
	}
	if err := netlink.LinkDel(link); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("interface %s: %w", name, err)
	}
	return nil
}

// hardwareAddr returns a locally administered address (IEEE 802) derived from parts. That
// of a task is derived from its IP address: others may still know it from the last task
// that had the address.
func hardwareAddr(parts ...string) net.HardwareAddr {
	h := sha256.New()
	for _, p := range parts {
		h.Write([]byte(p))
		h.Write([]byte{0})
	}
	sum := h.Sum(nil)
	return net.HardwareAddr{0x0a, sum[0], sum[1], sum[2], sum[3], sum[4]}
}
