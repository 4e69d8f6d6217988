package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
)

// addresses is on how many loopback addresses backends of each kind listen, so
// that a hundred thousand checks do not use up the ports of one.
const addresses = 64

type address struct {
	IP   string
	Port int
}

// backends is the process that is probed.
type backends struct {
	good, hanging []address
	cmd           *exec.Cmd
	stdin         io.Closer
}

func startBackends() (*backends, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	b := &backends{cmd: exec.Command(self, "-backends")}
	b.cmd.Stderr = os.Stderr
	stdin, err := b.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := b.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	b.stdin = stdin
	r := json.NewDecoder(bufio.NewReader(out))
	if err := r.Decode(&b.good); err != nil {
		return nil, err
	}
	return b, r.Decode(&b.hanging)
}

func (b *backends) stop() {
	_ = b.stdin.Close()
	_ = b.cmd.Wait() // it ends when its input does
}

// serveBackends says where they listen and serves until its input ends.
func serveBackends() error {
	for _, serve := range []func(net.Conn){good, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }} {
		var all []address
		for i := range addresses {
			ip := fmt.Sprintf("127.0.1.%d", i+1)
			ln, err := net.Listen("tcp", ip+":0")
			if err != nil {
				return err
			}
			all = append(all, address{ip, ln.Addr().(*net.TCPAddr).Port})
			go accept(ln, serve)
		}
		if err := json.NewEncoder(os.Stdout).Encode(all); err != nil {
			return err
		}
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

func accept(ln net.Listener, serve func(net.Conn)) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			serve(conn)
		}()
	}
}

func good(c net.Conn) {
	if _, err := c.Read(make([]byte, 1024)); err == nil {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
	}
}
