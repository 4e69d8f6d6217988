package prober

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/registry"
)

// The time limits of Route 53, where a service has none of its own.
const (
	tcpTimeout     = 10 * time.Second // to connect, for a check of type TCP
	connectTimeout = 4 * time.Second  // to connect, TLS handshake included
	statusTimeout  = 2 * time.Second  // from then to the end of the header
	bodyTimeout    = 2 * time.Second  // from then to the text looked for
)

// target is what one probe is to do. It is a copy, so that a probe shares
// nothing with the loop.
type target struct {
	kind     registry.HealthCheckType
	addr     netip.AddrPort
	path     string
	host     string // without a port where it is the service's name
	settings registry.CheckSettings
	byName   bool // the probe has to find the address of host first
}

func (l *loop) target(c *check) target {
	g := c.group
	return target{kind: g.check.Type, addr: c.addr, path: g.check.ResourcePath, host: g.host, settings: g.rule.settings,
		byName: g.healthCheck != nil && g.healthCheck.Config.IP == ""}
}

// String is the target in words, to be followed by a health.Reason.
func (t target) String() string {
	switch {
	case !t.addr.IsValid():
		return "a probe"
	case t.settings.GRPC:
		return fmt.Sprintf("gRPC health check of %s %q", t.addr, t.grpcService())
	case t.kind == registry.CheckTCP:
		return "TCP connection to " + t.addr.String()
	}
	return "GET " + strings.ToLower(string(t.kind)) + "://" + t.addr.String() + t.path
}

func (t *target) usesTLS() bool { return t.kind == registry.CheckHTTPS }

// grpcService is the service that the gRPC health check asks for: the path
// without its slash; none means the server as a whole.
func (t *target) grpcService() string { return strings.TrimPrefix(t.path, "/") }

// serverName is what the TLS handshake asks for: RFC 6066 section 3 does not
// allow addresses.
func (t *target) serverName() string {
	host := t.settings.Host
	if host == "" {
		host = t.host
	}
	if name, port, ok := strings.Cut(host, ":"); ok {
		if _, err := strconv.ParseUint(port, 10, 16); err == nil {
			host = name
		}
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil || !hostName(host) {
		return ""
	}
	return host
}

// hostHeader is that of a request: the service's name, with the port unless it
// is the usual one, or what the service asks for. Names of HTTP namespaces can
// hold anything; where they are no host name the address stands for them.
func (t *target) hostHeader() string {
	if t.settings.Host != "" {
		return t.settings.Host
	}
	if !hostName(t.host) {
		return t.addr.String()
	}
	if usual := t.kind == registry.CheckHTTP && t.addr.Port() == 80 || t.usesTLS() && t.addr.Port() == 443; usual {
		return t.host
	}
	return t.host + ":" + strconv.Itoa(int(t.addr.Port()))
}

func hostName(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9'
		if !letter && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= 253
}

// requestPath escapes what cannot stand in a request line: RFC 9112 section 3.
func requestPath(path string) string {
	clean := true
	for _, c := range []byte(path) {
		clean = clean && '!' <= c && c <= '~'
	}
	if clean {
		return path
	}
	var b strings.Builder
	for _, c := range []byte(path) {
		if '!' <= c && c <= '~' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// budget gives the end of each part of a probe.
type budget struct{ connect, answer time.Time }

// budget begins now. A service's own timeout is for the whole probe.
func (t *target) budget(start time.Time) budget {
	if d := t.settings.Timeout; d > 0 {
		return budget{start.Add(d), start.Add(d)}
	}
	if t.kind == registry.CheckTCP && !t.settings.GRPC {
		return budget{start.Add(tcpTimeout), time.Time{}}
	}
	return budget{start.Add(connectTimeout), time.Time{}}
}

// answerBy is the end of a part that begins now and may take d.
func (b budget) answerBy(d time.Duration) time.Time {
	if !b.answer.IsZero() {
		return b.answer
	}
	return time.Now().Add(d)
}
