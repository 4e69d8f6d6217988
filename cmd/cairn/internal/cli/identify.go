package cli

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// listener is what answers at an address.
type listener string

const (
	listenerUnknown listener = ""
	listenerAPI     listener = "API"
	listenerAdmin   listener = "admin"
	listenerDNS     listener = "DNS"
)

// identifyTimeout bounds each attempt to find out what listens at an address. The
// listener of DNS does not answer a request of HTTP at all.
const identifyTimeout = time.Second

// wrongListener returns an error if another kind of listener than the wanted one
// answers at a URL, or the wanted one answers, but not in the URL's scheme. It
// returns nil if it cannot find out. It sends harmless requests and no credentials;
// flag and key name what to change.
func wrongListener(ctx context.Context, base string, want listener, flag, key, example string) error {
	u, err := url.Parse(base)
	if err != nil {
		return nil
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	got, secured := identify(ctx, address)
	switch {
	case got == listenerUnknown:
		return nil
	case got != want:
		return &plainText{base + " is the " + string(got) + " listener of a node: " + flag + " needs the URL of the " +
			string(want) + " listener (" + key + " in the node's configuration, by default " + example + ")"}
	case secured && u.Scheme == "http":
		return &plainText{base + " expects TLS: use https://" + u.Host}
	case !secured && u.Scheme == "https":
		return &plainText{base + " has no TLS: use http://" + u.Host}
	}
	return nil
}

// plainText is an error whose text says all, without what it was caused by.
type plainText struct{ text string }

func (e *plainText) Error() string { return e.text }

// identify returns what listens at an address, and whether it expects TLS.
func identify(ctx context.Context, address string) (got listener, secured bool) {
	for _, secured := range []bool{false, true} {
		if got := askHTTP(ctx, address, secured); got != listenerUnknown {
			return got, secured
		}
	}
	if asksDNS(ctx, address) {
		return listenerDNS, false
	}
	return listenerUnknown, false
}

// dial connects to an address. Certificates are not checked: nothing secret is
// sent, and the answer is used for the text of an error only.
func dial(ctx context.Context, address string, secured bool) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, identifyTimeout)
	defer cancel()
	var conn net.Conn
	var err error
	if secured {
		d := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
		conn, err = d.DialContext(ctx, "tcp", address)
	} else {
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Now().Add(identifyTimeout)); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// askHTTP sends a request for /livez. The API listener answers with a request id,
// and the admin listener with "alive"; neither needs credentials.
func askHTTP(ctx context.Context, address string, secured bool) listener {
	conn, err := dial(ctx, address, secured)
	if err != nil {
		return listenerUnknown
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET /livez HTTP/1.1\r\nHost: "+address+"\r\nConnection: close\r\n\r\n"); err != nil {
		return listenerUnknown
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return listenerUnknown
	}
	defer response.Body.Close()
	if response.Header.Get("X-Amzn-Errortype") == "MalformedHttpRequestException" { // it expects TLS
		return listenerUnknown
	}
	if response.Header.Get("X-Amzn-Requestid") != "" {
		return listenerAPI
	}
	body, _ := io.ReadAll(io.LimitReader(response.Body, 100)) // after an error, the part that arrived is used
	if response.StatusCode == http.StatusOK && strings.TrimSpace(string(body)) == "alive" {
		return listenerAdmin
	}
	return listenerUnknown
}

// asksDNS reports whether a query in DNS over TCP (RFC 7766) gets a response.
func asksDNS(ctx context.Context, address string) bool {
	conn, err := dial(ctx, address, false)
	if err != nil {
		return false
	}
	defer conn.Close()
	query := []byte{
		0xca, 0x19, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, // id, flags, one question
		7, 'i', 'n', 'v', 'a', 'l', 'i', 'd', 0, 0, 1, 0, 1, // invalid. A IN (RFC 6761)
	}
	if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil {
		return false
	}
	header := make([]byte, 2+4)
	if _, err := io.ReadFull(conn, header); err != nil {
		return false
	}
	const response = 0x80
	return header[2] == query[0] && header[3] == query[1] && header[4]&response != 0
}
