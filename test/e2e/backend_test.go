package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// backend is a backend on a port of its own that can be told to misbehave.
type backend struct {
	t    *testing.T
	ip   string
	port int

	mu       sync.Mutex
	behaves  func(net.Conn)
	listener net.Listener
	open     map[net.Conn]bool
	fillers  []net.Conn // not nil: nobody accepts
	wg       sync.WaitGroup
}

// newBackend starts a backend that behaves so until it is told otherwise.
func newBackend(t *testing.T, ip string, behaves func(net.Conn)) *backend {
	t.Helper()
	f := &backend{t: t, ip: ip, behaves: behaves, open: map[net.Conn]bool{}}
	f.listen()
	t.Cleanup(f.refuse)
	return f
}

// listen listens on the backend's port with a queue that holds as many connections
// as the kernel permits. With a short one, connections that come at the same moment are
// made only when the kernel repeats the packet, which takes up to a minute.
func (f *backend) listen() {
	f.t.Helper()
	f.listenWithQueue(4096)
	ln := f.listener
	f.wg.Go(func() { f.accept(ln) })
}

// listenWithQueue accepts nothing yet.
func (f *backend) listenWithQueue(length int) {
	f.t.Helper()
	family, to := syscall.AF_INET, syscall.Sockaddr(&syscall.SockaddrInet4{Port: f.port, Addr: [4]byte(net.ParseIP(f.ip).To16()[12:])})
	if strings.Contains(f.ip, ":") {
		family, to = syscall.AF_INET6, &syscall.SockaddrInet6{Port: f.port, Addr: [16]byte(net.ParseIP(f.ip).To16())}
	}
	fd, err := syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		err = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1)
	}
	if err == nil {
		err = syscall.Bind(fd, to)
	}
	if err == nil {
		err = syscall.Listen(fd, length)
	}
	if err != nil {
		f.t.Fatalf("listen on %s: %v", f.ip, err)
	}
	file := os.NewFile(uintptr(fd), "listener")
	defer file.Close() // FileListener has its own copy
	if f.listener, err = net.FileListener(file); err != nil {
		f.t.Fatal(err)
	}
	f.port = f.listener.Addr().(*net.TCPAddr).Port
}

func (f *backend) accept(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		f.mu.Lock()
		behaves := f.behaves
		f.open[conn] = true
		f.mu.Unlock()
		f.wg.Go(func() {
			behaves(conn)
			conn.Close()
			f.mu.Lock()
			delete(f.open, conn)
			f.mu.Unlock()
		})
	}
}

// become changes the behaviour; the port is listened on again if it was not.
func (f *backend) become(behaves func(net.Conn)) {
	f.mu.Lock()
	f.behaves = behaves
	stuck := f.fillers != nil
	f.mu.Unlock()
	if stuck {
		f.refuse()
	}
	if f.listener == nil {
		f.listen()
	}
}

// refuse closes the port and all connections.
func (f *backend) refuse() {
	f.mu.Lock()
	if f.listener != nil {
		f.listener.Close()
	}
	f.listener = nil
	for c := range f.open {
		c.Close()
	}
	for _, c := range f.fillers {
		c.Close()
	}
	f.fillers = nil
	f.mu.Unlock()
	f.wg.Wait()
}

// full stops accepting and fills the queue, so that no connection is made.
func (f *backend) full() {
	f.refuse()
	f.listenWithQueue(0)
	for {
		conn, err := net.DialTimeout("tcp", f.addr(), 200*time.Millisecond)
		if err != nil {
			return
		}
		f.mu.Lock()
		f.fillers = append(f.fillers, conn)
		f.mu.Unlock()
	}
}

func (f *backend) addr() string { return net.JoinHostPort(f.ip, fmt.Sprint(f.port)) }

// attributes are those of an instance at the backend.
func (f *backend) attributes() object {
	key := "AWS_INSTANCE_IPV4"
	if strings.Contains(f.ip, ":") {
		key = "AWS_INSTANCE_IPV6"
	}
	return object{key: f.ip, "AWS_INSTANCE_PORT": fmt.Sprint(f.port)}
}

// request reads what a client asks, up to the end of the header.
func request(c net.Conn) string {
	var all []byte
	b := make([]byte, 4096)
	for !strings.Contains(string(all), "\r\n\r\n") {
		n, err := c.Read(b)
		if err != nil {
			return ""
		}
		all = append(all, b[:n]...)
	}
	return string(all)
}

// answer is a backend that says something to every request and hangs up.
func answer(text string) func(net.Conn) {
	return func(c net.Conn) {
		if request(c) != "" {
			io.WriteString(c, text)
		}
	}
}

const allWell = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nall well"

// pieces says something a few bytes at a time.
func pieces(size int, text string) func(net.Conn) {
	return func(c net.Conn) {
		request(c)
		for rest := text; len(rest) > 0; {
			n := min(size, len(rest))
			if _, err := io.WriteString(c, rest[:n]); err != nil {
				return
			}
			rest = rest[n:]
		}
	}
}

// trickle sends a header a byte at a time, too slowly for anybody's patience.
func trickle(c net.Conn) {
	request(c)
	io.WriteString(c, "HTTP/1.1 200 OK\r\nX: ")
	for {
		c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		_, err := c.Read(make([]byte, 1)) // until the client closes
		if e, ok := err.(net.Error); !ok || !e.Timeout() {
			return
		}
		if _, err := io.WriteString(c, "x"); err != nil {
			return
		}
	}
}

func silent(c net.Conn) { io.Copy(io.Discard, c) }

func reset(c net.Conn) {
	request(c)
	io.WriteString(c, "HTTP/1.1 200 OK\r\nServer: ")
	c.(*net.TCPConn).SetLinger(0)
}

// overTLS speaks TLS with a certificate before it behaves.
func overTLS(cert tls.Certificate, behaves func(net.Conn)) func(net.Conn) {
	return func(c net.Conn) {
		s := tls.Server(c, &tls.Config{Certificates: []tls.Certificate{cert}})
		if s.Handshake() == nil {
			behaves(s)
			s.Close()
		}
	}
}

// certificate is self-signed.
func certificate(t *testing.T, name string, until time.Time) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: until.Add(-time.Hour), NotAfter: until}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}
