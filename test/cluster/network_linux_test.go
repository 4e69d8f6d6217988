package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// network connects hosts, each in a network namespace of its own. It is an Ethernet switch
// in the test process, so that each direction of each link can be cut or slowed down. It
// is connected to nothing else.
type network struct {
	t     testing.TB
	mu    sync.Mutex
	hosts []*host           // each host is complete before it is in here
	links map[[2]*host]link // from one host to another; the zero link is perfect
	tasks sync.WaitGroup
	ended chan struct{}
}

// link is one direction between two hosts.
type link struct {
	cut   bool
	delay time.Duration
}

// host is a network namespace with one network card.
type host struct {
	name, ip string
	index    int
	work     chan func() // runs on a thread in the namespace
	card     *os.File    // the other end of the card
	delayed  chan frame  // frames to this host that are on a slow link
}

type frame struct {
	data []byte
	due  time.Time
}

// newNetwork makes an empty network. It needs root.
func newNetwork(t testing.TB) *network {
	t.Helper()
	if os.Getuid() != 0 {
		testtool.Missing(t, "root (for network namespaces)", "none")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		testtool.Missing(t, "/dev/net/tun", "none")
	}
	n := &network{t: t, links: map[[2]*host]link{}, ended: make(chan struct{})}
	t.Cleanup(n.close)
	return n
}

func (n *network) close() {
	close(n.ended)
	for _, h := range n.hosts {
		h.card.Close()
		close(h.work)
	}
	n.tasks.Wait()
}

// add makes a host and connects it.
func (n *network) add(name string) *host {
	n.t.Helper()
	index := len(n.hosts) + 1
	h := &host{name: name, ip: fmt.Sprintf("10.77.0.%d", index), index: index, work: make(chan func()), delayed: make(chan frame, 4096)}
	entered := make(chan error)
	n.tasks.Go(func() {
		runtime.LockOSThread() // not unlocked: the thread is in the namespace, and ends with this goroutine
		err := h.enter()
		entered <- err
		for f := range h.work {
			f()
		}
	})
	err := <-entered
	n.mu.Lock()
	n.hosts = append(n.hosts, h)
	n.mu.Unlock()
	if err != nil {
		n.t.Fatalf("network namespace of %s: %v", name, err)
	}
	n.tasks.Go(func() { n.forward(h) })
	n.tasks.Go(func() { n.deliverLate(h) })
	return h
}

// enter puts the thread into a new namespace and makes its card.
func (h *host) enter() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return err
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	request, err := unix.NewIfreq("eth0")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_TAP | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return err
	}
	h.card = os.NewFile(uintptr(fd), h.name)
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	eth, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(h.ip + "/24")
	if err != nil {
		return err
	}
	return errors.Join(netlink.LinkSetHardwareAddr(eth, net.HardwareAddr{2, 0, 0, 0, 0, byte(h.index)}),
		netlink.AddrAdd(eth, addr), netlink.LinkSetUp(lo), netlink.LinkSetUp(eth))
}

// do runs a function on a thread in the namespace. Sockets and processes that it makes are
// of the namespace.
func (h *host) do(f func()) {
	done := make(chan struct{})
	h.work <- func() { defer close(done); f() }
	<-done
}

// dial connects to an address as seen from the host.
func (h *host) dial(ctx context.Context, network, addr string) (conn net.Conn, err error) {
	h.do(func() { conn, err = (&net.Dialer{}).DialContext(ctx, network, addr) })
	return conn, err
}

// forward sends the frames of one host to the others.
func (n *network) forward(from *host) {
	for {
		data := make([]byte, 2048)
		size, err := from.card.Read(data)
		if err != nil {
			return
		}
		if data = data[:size]; size < 14 {
			continue
		}
		for _, to := range n.receivers(from, data) {
			n.send(from, to, data)
		}
	}
}

// receivers returns the hosts that get a frame: that of its address, or all others.
func (n *network) receivers(from *host, data []byte) (all []*host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, h := range n.hosts {
		if h != from && (data[0]&1 == 1 || int(data[5]) == h.index) {
			all = append(all, h)
		}
	}
	return all
}

func (n *network) send(from, to *host, data []byte) {
	n.mu.Lock()
	l := n.links[[2]*host{from, to}]
	n.mu.Unlock()
	switch {
	case l.cut:
	case l.delay == 0:
		to.card.Write(data) // a frame that is lost is sent again by TCP
	default:
		select {
		case to.delayed <- frame{data, time.Now().Add(l.delay)}:
		default:
		}
	}
}

// deliverLate delivers the frames of slow links.
func (n *network) deliverLate(to *host) {
	for {
		select {
		case f := <-to.delayed:
			time.Sleep(time.Until(f.due))
			to.card.Write(f.data)
		case <-n.ended:
			return
		}
	}
}

// set changes the links from some hosts to others, in that direction.
func (n *network) set(l link, from, to []*host) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, a := range from {
		for _, b := range to {
			if a != b {
				n.links[[2]*host{a, b}] = l
			}
		}
	}
}

// repair makes all links perfect.
func (n *network) repair() {
	n.mu.Lock()
	defer n.mu.Unlock()
	clear(n.links)
}
