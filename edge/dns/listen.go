package dns

import (
	"context"
	"errors"
	"fmt"
	"net"
	"runtime"
)

// Sockets are what a Server serves. They share one port.
type Sockets struct {
	// UDP are the sockets among which the system spreads datagrams by their
	// source, one for each core where it can.
	UDP []*net.UDPConn
	TCP net.Listener
}

// Addr is the address of all sockets.
func (s *Sockets) Addr() net.Addr { return s.TCP.Addr() }

// Close closes all sockets. It may be called again.
func (s *Sockets) Close() error {
	errs := []error{notClosed(s.TCP.Close())}
	for _, c := range s.UDP {
		errs = append(errs, notClosed(c.Close()))
	}
	return errors.Join(errs...)
}

// notClosed forgives that a socket was closed before.
func notClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Listen opens the sockets for an address. Port 0 picks a port that is free for
// both UDP and TCP.
func Listen(ctx context.Context, addr string) (*Sockets, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	for try := 0; ; try++ {
		s, err := listen(ctx, host, port)
		if err == nil || port != "0" || try == 10 {
			return s, err
		}
	}
}

// listen opens TCP first. UDP sockets that share a port would also share it with
// those of another process; the TCP listener, which shares with nobody, shows
// whether there is one.
func listen(ctx context.Context, host, port string) (*Sockets, error) {
	var plain net.ListenConfig
	tcp, err := plain.Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	s := &Sockets{TCP: tcp}
	shared := sharing()
	count := 1
	if shared != nil {
		plain.Control = shared
		count = runtime.GOMAXPROCS(0)
	}
	for range count {
		c, err := plain.ListenPacket(ctx, "udp", tcp.Addr().String())
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		udp, ok := c.(*net.UDPConn)
		if !ok {
			return nil, errors.Join(fmt.Errorf("dns: %T is not a UDP socket", c), s.Close())
		}
		// Bursts wait here while a batch is answered. The system may give less.
		_ = udp.SetReadBuffer(4 << 20)
		_ = udp.SetWriteBuffer(4 << 20)
		s.UDP = append(s.UDP, udp)
	}
	return s, nil
}
