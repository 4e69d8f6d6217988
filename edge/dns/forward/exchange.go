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

// askOne asks one upstream, over UDP and where that is not enough over TCP. An
// error is that it gave no answer; what it says is for the caller to judge.
func (r *Resolver) askOne(ctx context.Context, u *upstream, q Question, round int) (*message, error) {
	wait, mixCase := u.wait(round, r.cfg.Timeout), u.keepsCase()
	m, err := r.attempt(ctx, u, newQuery(q, true, mixCase), wait)
	if errors.Is(err, errNoEDNS) {
		m, err = r.attempt(ctx, u, newQuery(q, false, mixCase), wait)
	}
	// When nobody waits for the answer any more, that there was none is not
	// the upstream's fault.
	if err != nil && ctx.Err() == nil {
		u.failed(err, r.cfg.Logger)
	}
	return m, err
}

// attempt sends one query over UDP, and over TCP if the answer is truncated or
// does not look right.
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

// timed sends a query and waits for its answer only so long.
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

// errForged says that somebody tries to guess the answer.
var errForged = errors.New("too many messages that are no answer to the query")

// maxUnrelated is after how many messages that are no answer a query is asked
// over TCP instead, where guessing is hopeless. Until then each is ignored: who
// sends them must not be able to suppress the answer (RFC 5452 section 9.1).
const maxUnrelated = 8

// overUDP sends the query from a socket of its own: its port is a new random
// one, and being connected it takes messages from the upstream's address and
// port only. Answers that come late find it closed.
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

// udpBuffer is more than upstreams are asked to send, for those that do not
// care.
const udpBuffer = 4096

// overTCP sends the query over a connection of its own (RFC 7766).
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
		// Nobody can have forged this, so it is the upstream's way.
		u.setLosesCase()
		err = nil
	}
	if err != nil {
		return nil, err
	}
	return query.read(raw)
}

// upstreamConn is a connection that ctx interrupts.
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
		// Reads and writes end at once; an error means that it is closed.
		_ = conn.SetDeadline(time.Unix(1, 0))
	})
	return &upstreamConn{Conn: conn, stop: stop}, nil
}

func (c *upstreamConn) close() {
	c.stop()
	// Everything wanted from it has been read.
	_ = c.Close()
}
