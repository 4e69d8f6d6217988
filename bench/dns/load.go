//go:build linux

package main

import (
	"fmt"
	"time"
	"unsafe"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"
)

const batch = 64

// benchZone is the zone with all names.
const benchZone = "bench.internal"

type mmsghdr struct {
	unix.Msghdr
	n uint32
}

// packets are the buffers of a batch, far enough apart not to meet in the same
// lines of the cache.
type packets struct {
	msgs [batch]mmsghdr
	vecs [batch]unix.Iovec
	from [batch][unix.SizeofSockaddrInet4]byte
	data [batch][2048 + 64]byte
}

func newPackets(addresses bool) *packets {
	p := new(packets)
	for i := range p.msgs {
		p.vecs[i].Base = &p.data[i][0]
		p.vecs[i].SetLen(len(p.data[i]))
		p.msgs[i].Iov = &p.vecs[i]
		p.msgs[i].SetIovlen(1)
		if addresses {
			p.msgs[i].Name, p.msgs[i].Namelen = &p.from[i][0], uint32(len(p.from[i]))
		}
	}
	return p
}

// call sends or receives up to n messages.
func (p *packets) call(trap, fd uintptr, n int, flags uintptr) int {
	got, _, errno := unix.Syscall6(trap, fd, uintptr(unsafe.Pointer(&p.msgs[0])), uintptr(n), flags, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(got)
}

// socket opens a UDP socket on the loopback address, connected where a port is
// given.
func socket(port int) (fd uintptr, local int, err error) {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, 0, err
	}
	loopback := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}
	if err := unix.Bind(s, loopback); err != nil {
		return 0, 0, err
	}
	_ = unix.SetsockoptInt(s, unix.SOL_SOCKET, unix.SO_RCVBUF, 4<<20)
	_ = unix.SetsockoptTimeval(s, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Usec: 200_000})
	if port != 0 {
		loopback.Port = port
		if err := unix.Connect(s, loopback); err != nil {
			return 0, 0, err
		}
	}
	name, err := unix.Getsockname(s)
	if err != nil {
		return 0, 0, err
	}
	return uintptr(s), name.(*unix.SockaddrInet4).Port, nil
}

// load keeps a window of queries in flight and counts the answers.
func load(port int, s settings) (answers, lost int, took time.Duration, err error) {
	fd, _, err := socket(port)
	if err != nil {
		return 0, 0, 0, err
	}
	defer unix.Close(int(fd))
	queries, err := queriesFor(s)
	if err != nil {
		return 0, 0, 0, err
	}
	out, in := newPackets(false), newPackets(false)
	next, flying := 0, 0
	start := time.Now()
	for time.Since(start) < s.time {
		for flying+batch <= s.window {
			for i := range batch {
				n := copy(out.data[i][:], queries[next%len(queries)])
				out.vecs[i].SetLen(n)
				next++
			}
			flying += out.call(unix.SYS_SENDMMSG, fd, batch, 0)
		}
		n := in.call(unix.SYS_RECVMMSG, fd, batch, unix.MSG_WAITFORONE)
		if n == 0 { // nothing for 200 ms: what flies is lost
			lost, flying = lost+flying, 0
			continue
		}
		if rcode := in.data[0][3] & 0xf; rcode != 0 {
			return 0, 0, 0, fmt.Errorf("answered with code %d", rcode)
		}
		answers, flying = answers+n, flying-n
	}
	return answers, lost, time.Since(start), nil
}

// queriesFor asks for the services in an order that no cache foresees.
func queriesFor(s settings) ([][]byte, error) {
	var queries [][]byte
	for i := range min(s.services, 1<<17) {
		q := new(dns.Msg)
		q.SetQuestion(fmt.Sprintf("svc-%d.%s.", i*31337%s.services, benchZone), dns.StringToType[s.kind])
		q.SetEdns0(1232, false)
		packed, err := q.Pack()
		if err != nil {
			return nil, err
		}
		queries = append(queries, packed)
	}
	return queries, nil
}

// answerSize is how large cairn's answers will be, for the echo to be as large.
func answerSize(s settings) int {
	size := map[string]int{"A": 16, "AAAA": 28, "SRV": 12 + 6 + 36 + 16 + 28}[s.kind]
	return 12 + len("svc-12345."+benchZone) + 2 + 4 + 11 + size*min(8, s.instances)
}

// serveEcho sends everything back, as long as an answer would be.
func serveEcho(size int) error {
	fd, port, err := socket(0)
	if err != nil {
		return err
	}
	if err := pin(0); err != nil {
		return err
	}
	fmt.Println(port)
	p := newPackets(true)
	for {
		for i := range p.msgs {
			p.vecs[i].SetLen(len(p.data[i]))
			p.msgs[i].Namelen = uint32(len(p.from[i]))
		}
		n := p.call(unix.SYS_RECVMMSG, fd, batch, unix.MSG_WAITFORONE)
		for i := range n {
			p.data[i][2] |= 0x80
			p.vecs[i].SetLen(max(size, int(p.msgs[i].n)))
		}
		for sent := 0; sent < n; {
			sent += max(1, p.from1(unix.SYS_SENDMMSG, fd, sent, n))
		}
	}
}

// from1 sends messages from index at on.
func (p *packets) from1(trap, fd uintptr, at, n int) int {
	got, _, errno := unix.Syscall6(trap, fd, uintptr(unsafe.Pointer(&p.msgs[at])), uintptr(n-at), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(got)
}
