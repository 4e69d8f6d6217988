//go:build linux

package process

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// The program may be killed while it makes a network. The next attempt has to complete
// what is there, whatever is missing.
func TestIncompleteNetworkIsMadeAgain(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	namespace := filepath.Join(t.TempDir(), "netns")
	subnet, alias := netip.MustParsePrefix("10.97.0.1/24"), "alias of the test"
	if err := netlink.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "cb-test"}}); err != nil { // killed before it has an alias
		t.Fatal(err)
	}
	defer removeLink("cb-test")
	if err := ensureBridge("cb-test", alias, []netip.Prefix{subnet}); err != nil {
		t.Fatal(err)
	}
	bridge, err := netlink.LinkByName("cb-test")
	if err != nil {
		t.Fatal(err)
	}
	if bridge.Attrs().Alias != alias {
		t.Errorf("the bridge has the alias %q", bridge.Attrs().Alias)
	}
	if err := newNamespace(namespace); err != nil {
		t.Fatal(err)
	}
	defer removeNamespace(namespace)
	defer removeLink("ct-test")
	for _, address := range []string{"10.97.0.2/24", "10.97.0.3/24"} {
		p := netip.MustParsePrefix(address)
		a := &attachment{
			namespace: namespace, bridge: "cb-test", host: "ct-test", mac: hardwareAddr(address),
			addresses: []netip.Prefix{p}, gateways: []netip.Addr{subnet.Addr()},
		}
		if err := attach(a); err != nil {
			t.Fatal(err)
		}
		host, err := netlink.LinkByName("ct-test")
		if err != nil {
			t.Fatal(err)
		}
		if host.Attrs().MasterIndex != bridge.Attrs().Index {
			t.Errorf("the interface is not on the bridge: %+v", host.Attrs())
		}
		var has []string
		err = inNamespace(namespace, func() error {
			link, err := netlink.LinkByName("eth0")
			if err != nil {
				return err
			}
			if link.Attrs().HardwareAddr.String() != a.mac.String() {
				t.Errorf("hardware address %v, want %v", link.Attrs().HardwareAddr, a.mac)
			}
			all, err := netlink.AddrList(link, netlink.FAMILY_V4)
			for _, a := range all {
				has = append(has, a.IPNet.String())
			}
			return err
		})
		if err != nil || len(has) != 1 || has[0] != address {
			t.Errorf("addresses %v, want %s: %v", has, address, err)
		}
		if err := netlink.LinkSetNoMaster(host); err != nil { // killed before it is on the bridge
			t.Fatal(err)
		}
	}
}

// TestManyMappedPorts maps many ports: each of them leads to its container.
func TestManyMappedPorts(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("namespaces need root")
	}
	server, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	to := server.Addr().(*net.TCPAddr).AddrPort()
	f := &firewall{table: "cairn_test_ports"}
	const first, count = 20_000, 3000
	for port := uint16(first); port < first+count; port++ {
		f.mappings = append(f.mappings, mapping{protocol: unix.IPPROTO_TCP, port: port, to: to})
	}
	if err := f.apply(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := f.remove(); err != nil {
			t.Error(err)
		}
	}()
	for _, port := range []int{first, first + 499, first + 500, first + count - 1} {
		c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Errorf("mapped port %d: %v", port, err)
			continue
		}
		c.Close()
	}
	if c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", first+count)); err == nil {
		c.Close()
		t.Error("a port that is not mapped answers")
	}
	f.mappings = f.mappings[:1]
	if err := f.apply(); err != nil {
		t.Fatal(err)
	}
	if c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", first+1)); err == nil {
		c.Close()
		t.Error("a mapping that was removed answers")
	}
}
