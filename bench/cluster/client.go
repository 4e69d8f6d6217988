//go:build linux

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// zone is the DNS namespace of all services here.
const zone = "bench.example"

// client speaks just enough HTTP to leave the processors to the servers.
type client struct {
	conn net.Conn
	in   *bufio.Reader
	body []byte
}

func dial(addr string) (*client, error) {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return &client{conn: conn, in: bufio.NewReaderSize(conn, 64<<10)}, nil
}

func (c *client) close() { c.conn.Close() }

var (
	contentLength = []byte("Content-Length: ")
	errNotThere   = errors.New("not there")
)

// call sends an operation of Cloud Map and returns the body of the answer, which is
// valid until the next call. Status 404 is errNotThere.
func (c *client) call(operation, body string) ([]byte, error) {
	_, err := fmt.Fprintf(c.conn, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\n"+
		"X-Amz-Target: Route53AutoNaming_v20170314.%s\r\nContent-Length: %d\r\n\r\n%s", operation, len(body), body)
	if err != nil {
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
	switch {
	case bytes.Contains(c.body, []byte("InstanceNotFound")):
		return nil, errNotThere
	case !ok:
		return nil, fmt.Errorf("%s: %s", operation, c.body)
	}
	return c.body, nil
}

// newService creates a service, and the namespace if there is none, and returns its id.
func (n *node) newService(name string) (string, error) {
	c, err := dial(n.api)
	if err != nil {
		return "", err
	}
	defer c.close()
	var listed struct{ Namespaces []struct{ Id string } }
	for len(listed.Namespaces) == 0 {
		answer, err := c.call("ListNamespaces", "{}")
		if err != nil {
			return "", err
		}
		if err := json.Unmarshal(answer, &listed); err != nil {
			return "", err
		}
		if len(listed.Namespaces) == 0 {
			if _, err := c.call("CreatePublicDnsNamespace", fmt.Sprintf(`{"Name":%q}`, zone)); err != nil {
				return "", err
			}
		}
	}
	answer, err := c.call("CreateService", fmt.Sprintf(`{"Name":%q,"NamespaceId":%q,"DnsConfig":{"DnsRecords":[{"Type":"A","TTL":1}],"RoutingPolicy":"MULTIVALUE"}}`,
		name, listed.Namespaces[0].Id))
	if err != nil {
		return "", err
	}
	var created struct{ Service struct{ Id string } }
	err = json.Unmarshal(answer, &created)
	return created.Service.Id, err
}

// registration is the body of a RegisterInstance call with six attributes of about 120
// bytes.
func registration(service string, instance int) string {
	var attributes []string
	for _, kv := range [][2]string{
		{"AWS_INSTANCE_IPV4", fmt.Sprintf("10.%d.%d.%d", instance>>16&255, instance>>8&255, instance&255)}, {"AWS_INSTANCE_PORT", "8080"},
		{"version", "1.2.3"}, {"zone", "us-east-1" + string(rune('a'+instance%6))}, {"stage", "production"}, {"commit", "9e3779b1"},
	} {
		attributes = append(attributes, fmt.Sprintf("%q:%q", kv[0], kv[1]))
	}
	return fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"i-%06d","Attributes":{%s}}`, service, instance, strings.Join(attributes, ","))
}

// hammer calls do from a number of goroutines for a time and returns the rate.
func hammer(writers int, period time.Duration, do func(writer, n int) error) (float64, error) {
	start := time.Now()
	end := start.Add(period)
	counts, errs := make([]int, writers), make([]error, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for time.Now().Before(end) && errs[w] == nil {
				errs[w] = do(w, counts[w])
				counts[w]++
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / time.Since(start).Seconds(), errors.Join(errs...)
}

// registrars registers instances of services at nodes, on one connection for each
// writer. A writer uses perWriter ids again and again.
type registrars struct {
	clients  []*client
	services []string // by writer
}

const perWriter = 32

// newRegistrars connects writers to the nodes in turn.
func newRegistrars(writers int, nodes []*node, services []string) (*registrars, error) {
	r := new(registrars)
	for w := range writers {
		c, err := dial(nodes[w%len(nodes)].api)
		if err != nil {
			r.close()
			return nil, err
		}
		r.clients, r.services = append(r.clients, c), append(r.services, services[w%len(services)])
	}
	return r, nil
}

func (r *registrars) close() {
	for _, c := range r.clients {
		c.close()
	}
}

func (r *registrars) register(w, n int) error {
	_, err := r.clients[w].call("RegisterInstance", registration(r.services[w], w*perWriter+n%perWriter))
	return err
}
