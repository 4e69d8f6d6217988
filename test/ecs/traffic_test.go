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
	for _, test := range []struct {
		name   string
		check  any    // healthCheck of the container; nil: none
		record string // type of the record of the service
		tasks  int    // for which the service is scaled
	}{
		{"with health checks", object{"command": []string{"CMD", "/usr/local/bin/httpd-foreground", "check"}, "interval": 30}, "A", 30},
		{"without health checks", nil, "A", 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShop(t, test.check, test.record)
			stop := s.traffic()
			defer s.end()
			defer stop()

			s.must("RegisterTaskDefinition", s.definition("2"))
			s.must("UpdateService", object{"service": "orders", "taskDefinition": "orders:2"})
			s.settled("a deployment")
			s.must("UpdateService", object{"service": "orders", "desiredCount": test.tasks})
			s.settled("scaling out")
			s.must("UpdateService", object{"service": "orders", "desiredCount": 4})
			s.settled("scaling in")
			for _, arn := range s.tasks() {
				s.must("StopTask", object{"task": arn})
				s.settled("StopTask")
			}
			instances := s.must("ListContainerInstances", object{})["containerInstanceArns"]
			s.must("UpdateContainerInstancesState", object{"containerInstances": instances, "status": "DRAINING"})
			s.settled("draining of the only node")
			s.must("UpdateContainerInstancesState", object{"containerInstances": instances, "status": "ACTIVE"})
			s.must("UpdateService", object{"service": "orders", "forceNewDeployment": true})
			s.settled("a forced deployment")
		})
	}
}

// shop is a service under traffic.
type shop struct {
	*node
	check any

	mu                 sync.Mutex
	requests, failures int
	first              error // of the failures in this phase
}

func newShop(t *testing.T, check any, record string) *shop {
	t.Helper()
	s := &shop{node: start(t), check: check}
	s.call("servicediscovery", "CreatePrivateDnsNamespace", object{"Name": "shop.internal", "Vpc": "vpc-abcd1234"})
	namespace := text(s.call("servicediscovery", "ListNamespaces", object{}), "Namespaces", 0, "Id")
	registry := s.call("servicediscovery", "CreateService", object{
		"Name": "orders", "HealthCheckCustomConfig": object{"FailureThreshold": 1},
		"DnsConfig": object{"NamespaceId": namespace, "DnsRecords": []object{{"Type": record, "TTL": 2}}},
	})
	s.must("CreateCluster", object{"clusterName": "default"})
	s.must("RegisterTaskDefinition", s.definition("1"))
	s.must("CreateService", object{
		"serviceName": "orders", "taskDefinition": "orders", "desiredCount": 4,
		"networkConfiguration": object{"awsvpcConfiguration": object{"subnets": []string{"subnet-1"}}},
		"serviceRegistries":    []object{{"registryArn": text(registry, "Service", "Arn")}},
	})
	s.settled("the start")
	return s
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
	for text(s.must("DescribeServices", object{"services": []string{"orders"}}), "services", 0, "status") != "INACTIVE" {
		time.Sleep(100 * time.Millisecond)
	}
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
	for !s.steady() {
		if time.Since(begin) > 2*time.Minute {
			s.Fatalf("%s does not end: %v", what, s.must("DescribeServices", object{"services": []string{"orders"}}))
		}
		time.Sleep(100 * time.Millisecond) // the API has no call that waits
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Logf("%s took %v: %d requests, %d failed", what, time.Since(begin).Round(time.Millisecond), s.requests, s.failures)
	if s.failures > 0 {
		s.Errorf("%s: %d of %d requests failed, the first: %v", what, s.failures, s.requests, s.first)
	}
	s.requests, s.failures, s.first = 0, 0, nil
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
	stopped, _ := s.must("ListTasks", object{"serviceName": "orders", "desiredStatus": "STOPPED"})["taskArns"].([]any)
	for len(stopped) > 0 {
		some := stopped[:min(100, len(stopped))]
		stopped = stopped[len(some):]
		tasks, _ := s.must("DescribeTasks", object{"tasks": some})["tasks"].([]any)
		for _, task := range tasks {
			if text(task, "lastStatus") != "STOPPED" {
				return false
			}
		}
	}
	return true
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
