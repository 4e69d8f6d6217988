package dns

import (
	"encoding/binary"
	"net"
	"net/netip"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/cairn-discovery/cairn/edge/dns/answer"
)

// sharing makes a socket share its port with others that do the same.
func sharing() func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var failed error
		err := c.Control(func(fd uintptr) {
			failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
		})
		if err != nil {
			return err
		}
		return failed
	}
}

const (
	// batchSize is how many datagrams one system call takes. More would gain
	// little and make the first of them wait longer for its answer.
	batchSize = 64
	// answerRoom is how much longer than allowed an answer may become before it is
	// cut, without new memory for it.
	answerRoom = 2 * answer.DefaultUDPSize
	// controlSize has room for one IPV6_PKTINFO.
	controlSize = 48
)

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	unix.Msghdr
	n uint32
}

// slots returns n buffers of a size, close together: the fewer pages a batch is
// on, the less the processor has to look up. Each is an odd number of cache lines
// long, so that their beginnings do not push each other out of the cache.
func slots(n, size int) [][]byte {
	const line = 64
	stride := ((size+line-1)/line | 1) * line
	slab, all := make([]byte, n*stride), make([][]byte, n)
	for i := range all {
		all[i] = slab[i*stride : i*stride+size : i*stride+size]
	}
	return all
}

// datagrams is the memory of a batch. The kernel writes into it through the
// headers, which point to the rest; none of it moves.
type datagrams struct {
	in, out  [batchSize]mmsghdr
	inVec    [batchSize]unix.Iovec
	outVec   [batchSize]unix.Iovec
	from     [batchSize][unix.SizeofSockaddrInet6]byte
	control  [batchSize][controlSize]byte
	queries  [][]byte
	answers  [][]byte
	wildcard bool // the socket is bound to all addresses
}

// newDatagrams makes room for queries of the length that our EDNS option allows (RFC 6891
// section 6.2.3), and for the longest answers. The rest of a longer query is not read.
func newDatagrams(wildcard bool, maxSize int) *datagrams {
	d := &datagrams{
		wildcard: wildcard,
		queries:  slots(batchSize, max(maxSize, answer.DefaultUDPSize)),
		answers:  slots(batchSize, max(maxSize, answerRoom)),
	}
	for i := range d.in {
		d.inVec[i].Base = &d.queries[i][0]
		d.inVec[i].SetLen(len(d.queries[i]))
		d.in[i].Iov = &d.inVec[i]
		d.in[i].SetIovlen(1)
		d.in[i].Name = &d.from[i][0]
	}
	return d
}

// ready resets what the kernel changed in the first n headers.
func (d *datagrams) ready(n int) {
	for i := range d.in[:n] {
		d.in[i].Namelen = unix.SizeofSockaddrInet6
		d.in[i].Flags = 0
		if d.wildcard {
			d.in[i].Control = &d.control[i][0]
			d.in[i].SetControllen(controlSize)
		}
	}
}

// source is where datagram i came from.
func (d *datagrams) source(i int) netip.AddrPort {
	from := &d.from[i]
	port := binary.BigEndian.Uint16(from[2:])
	if *(*uint16)(unsafe.Pointer(from)) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(from[4:8])), port)
	}
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(from[8:24])).Unmap(), port)
}

// answer makes message k of the batch to send the answer to datagram i, from the
// address that this was sent to.
func (d *datagrams) answer(k, i int, msg []byte) {
	if &msg[0] != &d.answers[i][0] {
		// It outgrew its memory on the way and was cut again.
		msg = d.answers[i][:copy(d.answers[i][:], msg)]
	}
	d.outVec[k].Base = &msg[0]
	d.outVec[k].SetLen(len(msg))
	h := &d.out[k]
	h.Iov = &d.outVec[k]
	h.SetIovlen(1)
	h.Name, h.Namelen = d.in[i].Name, d.in[i].Namelen
	if d.wildcard {
		h.Control = d.in[i].Control
		h.Controllen = d.in[i].Controllen
		anyInterface(d.control[i][:min(controlSize, int(h.Controllen))])
	}
}

// anyInterface leaves the way out to routing: the packet information that came
// with a query holds the interface it came in by, which need not be the one
// that leads back. Link-local addresses mean nothing without it.
func anyInterface(control []byte) {
	if len(control) < unix.SizeofCmsghdr {
		return
	}
	h := (*unix.Cmsghdr)(unsafe.Pointer(&control[0]))
	data := control[unix.CmsgLen(0):]
	switch {
	case h.Level == unix.IPPROTO_IP && h.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
		info := (*unix.Inet4Pktinfo)(unsafe.Pointer(&data[0]))
		info.Ifindex = 0
	case h.Level == unix.IPPROTO_IPV6 && h.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
		info := (*unix.Inet6Pktinfo)(unsafe.Pointer(&data[0]))
		if !netip.AddrFrom16(info.Addr).IsLinkLocalUnicast() {
			info.Ifindex = 0
		}
	}
}

// udpSocket is a socket that is read and written in batches.
type udpSocket struct {
	raw      syscall.RawConn
	wildcard bool
	// What the callbacks below work on; they are made once, so that a batch
	// allocates nothing.
	read, write func(fd uintptr) bool
	msgs        []mmsghdr
	n           int
	errno       syscall.Errno
}

func newUDPSocket(c *net.UDPConn) (*udpSocket, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	s := &udpSocket{raw: raw}
	if local, ok := c.LocalAddr().(*net.UDPAddr); ok && local.IP.IsUnspecified() {
		s.wildcard = true
		if err := s.wantPacketInfo(); err != nil {
			return nil, err
		}
	}
	s.read = func(fd uintptr) bool { return s.call(unix.SYS_RECVMMSG, fd) }
	s.write = func(fd uintptr) bool { return s.call(unix.SYS_SENDMMSG, fd) }
	return s, nil
}

// wantPacketInfo has the kernel tell which address a query was sent to.
func (s *udpSocket) wantPacketInfo() error {
	var failed error
	err := s.raw.Control(func(fd uintptr) {
		family, err := unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN)
		switch {
		case err != nil:
			failed = err
		case family == unix.AF_INET6:
			failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
		default:
			failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
		}
	})
	if err != nil {
		return err
	}
	return failed
}

// call makes one system call that does not wait, and reports whether it is done
// or has to wait for the socket. The runtime is not told of it: it would take a
// batch, a tenth of a millisecond, for a call that waits, and hand the processor
// to another thread, only to take it back.
func (s *udpSocket) call(trap, fd uintptr) bool {
	for {
		n, _, errno := syscall.RawSyscall6(trap, fd, uintptr(unsafe.Pointer(&s.msgs[0])), uintptr(len(s.msgs)), unix.MSG_DONTWAIT, 0, 0)
		switch errno {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			return false
		}
		s.n, s.errno = int(n), errno
		return true
	}
}

// receive waits for datagrams and returns how many came.
func (s *udpSocket) receive(d *datagrams) (int, error) {
	s.msgs = d.in[:]
	if err := s.raw.Read(s.read); err != nil {
		return 0, err
	}
	if s.errno != 0 {
		return 0, s.errno
	}
	return s.n, nil
}

// send sends the first n answers and returns how many the system did not take:
// one that cannot be sent does not hold up the others.
func (s *udpSocket) send(d *datagrams, n int) (failed int, err error) {
	for at := 0; at < n; {
		s.msgs = d.out[at:n]
		if err := s.raw.Write(s.write); err != nil {
			return failed + n - at, err
		}
		if s.errno != 0 {
			failed++
			s.n = 1
		}
		at += s.n
	}
	return failed, nil
}
