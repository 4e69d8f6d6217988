//go:build linux

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cairn-discovery/cairn/bench/server"
)

// zone is the DNS namespace of all services here.
const zone = "bench.example"

// client calls operations of Cloud Map.
type client struct{ *server.Client }

func dial(addr string) (*client, error) {
	c, err := server.Dial(addr)
	return &client{c}, err
}

var errNotThere = errors.New("not there")

// call sends an operation of Cloud Map and returns the body of the answer, which is
// valid until the next call. InstanceNotFound is errNotThere.
func (c *client) call(operation, body string) ([]byte, error) {
	answer, err := c.Call(fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-amz-json-1.1\r\n"+
		"X-Amz-Target: Route53AutoNaming_v20170314.%s\r\nContent-Length: %d\r\n\r\n%s", operation, len(body), body))
	switch {
	case err == nil:
		return answer, nil
	case strings.Contains(err.Error(), "InstanceNotFound"):
		return nil, errNotThere
	}
	return nil, fmt.Errorf("%s: %w", operation, err)
}

// newService creates a service, and the namespace if there is none, and returns its id.
func (n *node) newService(name string) (string, error) {
	c, err := dial(n.api)
	if err != nil {
		return "", err
	}
	defer c.Close()
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
		c.Close()
	}
}

func (r *registrars) register(w, n int) error {
	_, err := r.clients[w].call("RegisterInstance", registration(r.services[w], w*perWriter+n%perWriter))
	return err
}
