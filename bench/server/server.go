// Package server has what benchmarks need of the servers that they measure: a client that
// leaves the processors to them, and the processor time that they use.
package server

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// Client speaks just enough HTTP to leave the processors to the server. It is used by one
// goroutine at a time.
type Client struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

// Dial connects to an address, such as "127.0.0.1:8053".
func Dial(addr string) (*Client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &Client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

// Close closes the connection.
func (c *Client) Close() { c.conn.Close() }

var contentLength = []byte("Content-Length: ")

// Call sends a whole request and returns the body of the answer, which is valid until the
// next call. For a status other than 200 the error has the body.
func (c *Client) Call(request []byte) ([]byte, error) {
	if _, err := c.conn.Write(request); err != nil {
		return nil, err
	}
	status, err := c.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	ok := bytes.HasPrefix(status, []byte("HTTP/1.1 200 "))
	length := 0
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		if len(line) <= 2 {
			break
		}
		if value, found := bytes.CutPrefix(line, contentLength); found {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(value)))
		}
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	if _, err := io.ReadFull(c.in, c.body); err != nil {
		return nil, err
	}
	if !ok {
		return nil, fmt.Errorf("answer %q", c.body)
	}
	return c.body, nil
}

// CPU returns the processor time that a process has used, or 0 if there is no such process.
func CPU(pid int) time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	// The name in parentheses may hold anything; fields are counted after it.
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.ParseInt(fields[11], 10, 64)
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / 100 // USER_HZ is 100 on Linux
}
