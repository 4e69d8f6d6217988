package ecs

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// TestNoRequestFails sends requests to a service while its tasks change: with a client
// that resolves the name and keeps an answer for its TTL, no request may fail.
func TestNoRequestFails(t *testing.T) {
	check := object{"command": []string{"CMD", "/usr/local/bin/httpd-foreground", "check"}, "interval": 30}
	for _, test := range []struct {
		name  string
		check any // healthCheck of the container; nil: none
		tasks int // to which the service is scaled out
	}{
		{"with health checks", check, 100},
		{"without health checks", nil, 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop(t, start(t), test.check)
			defer s.end()
			defer s.traffic()()

			s.must("RegisterTaskDefinition", s.definition("2"))
			s.must("UpdateService", object{"service": "orders", "taskDefinition": "orders:2"})
			s.settled("a deployment")
			s.must("UpdateService", object{"service": "orders", "desiredCount": test.tasks})
			s.settled("scaling out")
			s.must("UpdateService", object{"service": "orders", "desiredCount": 10})
			s.settled("scaling in")
			for _, arn := range s.tasks()[:3] {
				s.must("StopTask", object{"task": arn})
				s.settled("StopTask")
			}
			s.setNodes("DRAINING", s.instances())
			s.settled("draining of the only node")
			s.setNodes("ACTIVE", s.instances())
			s.must("UpdateService", object{"service": "orders", "forceNewDeployment": true})
			s.settled("a forced deployment")
		})
	}
}

// TestNoRequestFailsWhileNodesDrain does the same with two nodes that share a store, of
// which one is drained after the other.
func TestNoRequestFailsWhileNodesDrain(t *testing.T) {
	nodes := newPair(t)
	s := newShop(t, nodes.machine(0), nil)
	defer s.end()
	defer s.traffic()()
	all := s.instances()
	if len(all) != 2 {
		t.Fatalf("container instances: %v", all)
	}
	for _, drained := range all {
		s.setNodes("DRAINING", []any{drained})
		s.until("a drained node is empty", func() bool {
			left, _ := s.must("ListTasks", object{"containerInstance": drained})["taskArns"].([]any)
			return len(left) == 0
		})
		s.settled("draining of a node")
		s.setNodes("ACTIVE", []any{drained})
	}
}

// shop is a service under traffic.
type shop struct {
	*machine
	check any

	mu                 sync.Mutex
	requests, failures int
	first              error // of the failures in this phase
}

func newShop(t *testing.T, m *machine, check any) *shop {
	t.Helper()
	s := &shop{machine: m, check: check}
	s.call("servicediscovery", "CreatePrivateDnsNamespace", object{"Name": "shop.internal", "Vpc": "vpc-abcd1234"})
	namespace := text(s.call("servicediscovery", "ListNamespaces", object{}), "Namespaces", 0, "Id")
	registry := s.call("servicediscovery", "CreateService", object{
		"Name": "orders", "HealthCheckCustomConfig": object{"FailureThreshold": 1},
		"DnsConfig": object{"NamespaceId": namespace, "DnsRecords": []object{{"Type": "A", "TTL": 2}}},
	})
	s.must("CreateCluster", object{"clusterName": "default"})
	s.must("RegisterTaskDefinition", s.definition("1"))
	s.must("CreateService", object{
		"serviceName": "orders", "taskDefinition": "orders", "desiredCount": 10,
		"networkConfiguration": object{"awsvpcConfiguration": object{"subnets": []string{"subnet-1"}}},
		"serviceRegistries":    []object{{"registryArn": text(registry, "Service", "Arn")}},
	})
	s.settled("the start")
	return s
}

// instances returns the ARNs of the container instances.
func (s *shop) instances() []any {
	s.Helper()
	all, _ := s.must("ListContainerInstances", object{})["containerInstanceArns"].([]any)
	return all
}

func (s *shop) setNodes(status string, instances []any) {
	s.Helper()
	s.must("UpdateContainerInstancesState", object{"containerInstances": instances, "status": status})
}

func (s *shop) definition(version string) object {
	container := object{
		"name": "app", "image": "httpd:2.4", "memory": 16, "command": []string{"httpd-foreground"}, "stopTimeout": 2,
		"portMappings": []object{{"containerPort": 80}}, "environment": []object{{"name": "VERSION", "value": version}},
	}
	if s.check != nil {
		container["healthCheck"] = s.check
	}
	return object{"family": "orders", "networkMode": "awsvpc", "containerDefinitions": []object{container}}
}

// end removes the service and its tasks, which would live longer than the node.
func (s *shop) end() {
	s.must("DeleteService", object{"service": "orders", "force": true})
	s.until("the service is deleted", func() bool {
		return text(s.must("DescribeServices", object{"services": []string{"orders"}}), "services", 0, "status") == "INACTIVE"
	})
}

func (s *shop) must(operation string, in object) object {
	s.Helper()
	return s.call("ecs", operation, in)
}

func (s *shop) tasks() []any {
	s.Helper()
	tasks, _ := s.must("ListTasks", object{"serviceName": "orders"})["taskArns"].([]any)
	return tasks
}

// settled waits until a change has been made completely, and looks at the requests until
// then.
func (s *shop) settled(what string) {
	s.Helper()
	begin := time.Now()
	s.until(what+" ends", s.steady)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Logf("%s took %v: %d requests, %d failed", what, time.Since(begin).Round(time.Millisecond), s.requests, s.failures)
	if s.failures > 0 {
		s.Errorf("%s: %d of %d requests failed, the first: %v", what, s.failures, s.requests, s.first)
	}
	s.requests, s.failures, s.first = 0, 0, nil
}

func (s *shop) until(what string, good func() bool) {
	s.Helper()
	if !s.happens(good) {
		s.Fatalf("it never happened that %s: %v", what, s.must("DescribeServices", object{"services": []string{"orders"}}))
	}
}

// poll waits until something has happened.
func (n *machine) poll(what string, good func() bool) {
	n.Helper()
	if !n.happens(good) {
		n.Fatalf("it never happened that %s", what)
	}
}

// happens waits for something, and reports whether it has happened.
func (n *machine) happens(good func() bool) bool {
	n.Helper()
	for late := time.Now().Add(2 * time.Minute); !good(); time.Sleep(100 * time.Millisecond) { // the API has no call that waits
		if time.Now().After(late) {
			return false
		}
	}
	return true
}

// steady reports whether the service has the tasks that it wants, all are in DNS, and no
// other task is left.
func (s *shop) steady() bool {
	service := get(s.must("DescribeServices", object{"services": []string{"orders"}}), "services", 0)
	want := text(service, "desiredCount")
	if text(service, "runningCount") != want || text(service, "pendingCount") != "0" || text(service, "deployments", 0, "rolloutState") != "COMPLETED" {
		return false
	}
	found, _ := s.call("servicediscovery", "DiscoverInstances", object{"NamespaceName": "shop.internal", "ServiceName": "orders", "MaxResults": 1000, "HealthStatus": "HEALTHY"})["Instances"].([]any)
	if fmt.Sprint(len(found)) != want {
		return false
	}
	for _, task := range s.described("STOPPED") {
		if text(task, "lastStatus") != "STOPPED" {
			return false
		}
	}
	return true
}

// described returns the tasks of the service that is to have a status.
func (s *shop) described(status string) []any {
	s.Helper()
	var all []any
	for in := (object{"serviceName": "orders", "desiredStatus": status}); ; {
		page := s.must("ListTasks", in)
		if arns, _ := page["taskArns"].([]any); len(arns) > 0 {
			tasks, _ := s.must("DescribeTasks", object{"tasks": arns})["tasks"].([]any)
			all = append(all, tasks...)
		}
		if in["nextToken"] = page["nextToken"]; in["nextToken"] == nil {
			return all
		}
	}
}

// traffic sends 200 requests a second until the function that it returns is called.
func (s *shop) traffic() (stop func()) {
	const rate, underWay = 200, 1000
	ctx, cancel := context.WithCancel(context.Background())
	resolver := &ttlResolver{server: s.dns}
	client := &http.Client{Timeout: 30 * time.Second} // the machine may be slow: that is no failure
	var sending sync.WaitGroup
	sending.Go(func() {
		tick := time.NewTicker(time.Second / rate)
		defer tick.Stop()
		places := make(chan struct{}, underWay)
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			places <- struct{}{}
			sending.Go(func() {
				s.count(request(client, resolver))
				<-places
			})
		}
	})
	return func() {
		cancel()
		sending.Wait()
		client.CloseIdleConnections()
	}
}

func (s *shop) count(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	if err != nil {
		s.failures++
		if s.first == nil {
			s.first = err
		}
	}
}

// request sends a request to one of the instances.
func request(client *http.Client, r *ttlResolver) error {
	addresses, err := r.lookup("orders.shop.internal.")
	if err != nil {
		return err
	}
	resp, err := client.Get("http://" + net.JoinHostPort(addresses[rand.IntN(len(addresses))], "80") + "/")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}

// ttlResolver keeps the addresses of one name for their TTL.
type ttlResolver struct {
	server    string
	mu        sync.Mutex
	addresses []string
	expires   time.Time
}

func (r *ttlResolver) lookup(name string) ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if now.Before(r.expires) {
		return r.addresses, nil
	}
	query := new(dns.Msg)
	query.SetQuestion(name, dns.TypeA)
	answer, _, err := (&dns.Client{Net: "tcp", Timeout: 30 * time.Second}).Exchange(query, r.server)
	if err != nil {
		return nil, err
	}
	r.addresses = nil
	for _, record := range answer.Answer {
		if a, ok := record.(*dns.A); ok {
			r.addresses = append(r.addresses, a.A.String())
			r.expires = now.Add(time.Duration(a.Hdr.Ttl) * time.Second)
		}
	}
	if len(r.addresses) == 0 {
		return nil, fmt.Errorf("no address: %v", answer)
	}
	return r.addresses, nil
}
