package forward

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// askOne asks one upstream, over UDP and if necessary over TCP. It returns an
// error if there was no answer; the caller decides whether the answer is useful.
func (r *Resolver) askOne(ctx context.Context, u *upstream, q Question, round int) (*message, error) {
	wait, mixCase := u.wait(round, r.cfg.Timeout), u.keepsCase()
	m, err := r.attempt(ctx, u, newQuery(q, true, mixCase), wait)
	if errors.Is(err, errNoEDNS) {
		m, err = r.attempt(ctx, u, newQuery(q, false, mixCase), wait)
	}
	// If the call has ended, the upstream did not fail.
	if err != nil && ctx.Err() == nil {
		u.failed(err, r.cfg.Logger)
	}
	return m, err
}

// attempt sends one query over UDP, and over TCP if the answer is truncated or
// may be forged.
func (r *Resolver) attempt(
	ctx context.Context, u *upstream, query *query, wait time.Duration,
) (*message, error) {
	defer r.inflight.add(query)()
	m, err := r.timed(ctx, u, query, wait, udp)
	switch {
	case err == nil && m.flags&dnswire.FlagTC == 0:
		return m, nil
	case err == nil, errors.Is(err, errCaseMismatch), errors.Is(err, errForged):
		return r.timed(ctx, u, query, 3*wait, tcp) // it takes more round trips
	default:
		return nil, err
	}
}

// The transports.
const (
	udp = "udp"
	tcp = "tcp"
)

// timed sends a query and waits for its answer until wait has passed.
func (r *Resolver) timed(
	ctx context.Context, u *upstream, query *query, wait time.Duration, transport string,
) (*message, error) {
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	send := r.overUDP
	if transport == tcp {
		send = r.overTCP
	}
	start := time.Now()
	m, err := send(limited, u, query)
	took := time.Since(start)
	if ctx.Err() == nil {
		r.metrics.exchange(u, transport, err, took)
	}
	if err == nil {
		u.answered(took, r.cfg.Logger)
	}
	return m, err
}

// errForged means that an attacker may be guessing the id of the query.
var errForged = errors.New("too many messages that are no answer to the query")

// maxUnrelated is how many messages that do not answer the query are ignored
// before it is sent over TCP, where an attacker cannot guess the answer. They are
// ignored so that an attacker cannot suppress the answer (RFC 5452 section 9.1).
const maxUnrelated = 8

// overUDP sends the query from a new connected socket: its port is random, and it
// receives messages from the upstream's address and port only. It is closed when
// late answers arrive.
func (r *Resolver) overUDP(ctx context.Context, u *upstream, query *query) (*message, error) {
	conn, err := dial(ctx, "udp", u)
	if err != nil {
		return nil, err
	}
	defer conn.close()
	if _, err := conn.Write(query.wire); err != nil {
		return nil, err
	}
	buf := make([]byte, udpBuffer)
	for range maxUnrelated {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		switch err := query.match(buf[:n]); {
		case err == nil:
			return query.read(buf[:n])
		case errors.Is(err, errUnrelated):
			r.metrics.unrelated.Inc()
		default:
			return nil, err
		}
	}
	return nil, errForged
}

// udpBuffer is larger than udpSize because some upstreams ignore that limit.
const udpBuffer = 4096

// overTCP sends the query over a new connection (RFC 7766).
func (r *Resolver) overTCP(ctx context.Context, u *upstream, query *query) (*message, error) {
	conn, err := dial(ctx, "tcp", u)
	if err != nil {
		return nil, err
	}
	defer conn.close()
	framed := binary.BigEndian.AppendUint16(nil, uint16(len(query.wire)))
	if _, err := conn.Write(append(framed, query.wire...)); err != nil {
		return nil, err
	}
	var length [2]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, err
	}
	raw := make([]byte, binary.BigEndian.Uint16(length[:]))
	if _, err := io.ReadFull(conn, raw); err != nil {
		return nil, err
	}
	err = query.match(raw)
	if errors.Is(err, errCaseMismatch) {
		// An attacker cannot forge this over TCP: the upstream changes the case.
		u.setLosesCase()
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return query.read(raw)
}

// upstreamConn is a connection whose reads and writes end with ctx.
type upstreamConn struct {
	net.Conn
	stop func() bool
}

func dial(ctx context.Context, network string, u *upstream) (*upstreamConn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, u.addr.String())
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() {
		// Reads and writes end at once. An error means that it is closed.
		_ = conn.SetDeadline(time.Unix(1, 0))
	})
	return &upstreamConn{Conn: conn, stop: stop}, nil
}

func (c *upstreamConn) close() {
	c.stop()
	// The answer has been read; an error changes nothing.
	_ = c.Close()
}
