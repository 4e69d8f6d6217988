package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// statusOf is an instance's status among ALL; "" when it is not registered.
func (c *checked) statusOf(name, id string) string {
	c.t.Helper()
	for _, i := range instancesOf(c.must(c.t, "DiscoverInstances", object{"NamespaceName": "farm.example", "ServiceName": name, "HealthStatus": "ALL"})) {
		if i["InstanceId"] == id {
			return i["HealthStatus"].(string)
		}
	}
	return ""
}

// becomes waits for a status.
func (c *checked) becomes(name, id, status string) {
	c.t.Helper()
	c.await(name+" "+id+" "+status, func() bool { return c.statusOf(name, id) == status })
}

// A lease that nobody renews: UNHEALTHY when the TTL is over, gone after as long
// again. Renewals keep it, by either call, and are not seen in the revision.
func TestLease(t *testing.T) {
	t.Parallel() // it mostly waits
	c := startChecked(t, fast)
	service := c.service("leased", object{"HealthCheckCustomConfig": object{}}, nil)
	plain := c.service("plain", nil, nil)
	leased := func(ip string) object { return object{"AWS_INSTANCE_IPV4": ip, "cairn.ttl": "2"} }
	revision := func() string {
		return text(c.must(t, "DiscoverInstancesRevision", object{"NamespaceName": "farm.example", "ServiceName": "leased"}), "InstancesRevision")
	}
	for _, id := range []string{"silent", "again", "told"} {
		c.register(service, id, leased("10.0.0.1"))
	}
	c.register(plain, "p", leased("10.0.0.9"))
	before, told := revision(), object{"ServiceId": service, "InstanceId": "told", "Status": "HEALTHY"}
	start := time.Now()
	renew := func() {
		c.register(service, "again", leased("10.0.0.1"))
		c.must(t, "UpdateInstanceCustomHealthStatus", told)
	}
	c.await("the end of a TTL", func() bool { renew(); return c.statusOf("leased", "silent") != "HEALTHY" })
	if took := time.Since(start); took < 1900*time.Millisecond {
		t.Errorf("UNHEALTHY after %v, before its TTL of 2 s", took)
	}
	if now := revision(); now != before {
		t.Errorf("renewals changed the revision from %s to %s", before, now)
	}
	c.becomes("plain", "p", "UNHEALTHY") // a service without a check has leases too
	if addrs, _ := c.resolve(t.Context(), "plain.farm.example"); !slices.Equal(addrs, []string{"10.0.0.9"}) {
		t.Errorf("the only one has lapsed, and DNS should fail open: %v", addrs)
	}
	if got := c.explain("leased.farm.example"); !strings.Contains(got, "not heard of for longer than its cairn.ttl of 2 s") || !strings.Contains(got, "its cairn.ttl ran out") {
		t.Errorf("explain does not tell of the lease:\n%s", got)
	}
	c.register(service, "silent", leased("10.0.0.1"))
	if got := c.statusOf("leased", "silent"); got != "HEALTHY" {
		t.Errorf("registered again, a lapsed instance is %s", got)
	}
	c.await("the end of a lease", func() bool { renew(); return c.statusOf("leased", "silent") == "" })
	for _, id := range []string{"again", "told"} {
		if got := c.statusOf("leased", id); got != "HEALTHY" {
			t.Errorf("%s was renewed all the time and is %q", id, got)
		}
	}
	status, answer, err := c.call(t.Context(), "GetInstance", object{"ServiceId": service, "InstanceId": "silent"})
	if err != nil || answer["__type"] != "InstanceNotFound" {
		t.Errorf("a lease that ended: %d %v %v", status, answer, err)
	}
}

// However long a restart takes, no lease ends because of it; afterwards those that
// are not renewed end as usual.
func TestLeasesAfterCrash(t *testing.T) {
	t.Parallel() // it mostly waits
	c := startChecked(t, fast)
	service := c.service("leased", nil, nil)
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			status, answer, err := c.call(t.Context(), "RegisterInstance", object{"ServiceId": service, "InstanceId": fmt.Sprint("i", i),
				"Attributes": object{"AWS_INSTANCE_IPV4": "10.0.0.1", "cairn.ttl": "2"}})
			if err != nil || status != http.StatusOK {
				t.Errorf("%v %v", answer, err)
			}
		})
	}
	wg.Wait()
	c.kill()
	time.Sleep(3 * time.Second) // longer than the TTL: the point of the test
	started := time.Now()
	c.start()
	c.await("a second", func() bool {
		for _, i := range instancesOf(c.must(t, "DiscoverInstances", object{"NamespaceName": "farm.example", "ServiceName": "leased"})) {
			if i["HealthStatus"] != "UNKNOWN" && time.Since(started) < 2*time.Second {
				t.Fatalf("right after the restart: %v", i)
			}
		}
		return time.Since(started) >= time.Second
	})
	c.becomes("leased", "i0", "UNHEALTHY")
	c.becomes("leased", "i0", "")
}

func TestBadLeasesAndSettings(t *testing.T) {
	t.Parallel()
	c := startChecked(t, fast)
	plain := c.service("plain", nil, nil)
	web := c.service("web", httpCheck(3), nil)
	tcp := c.service("tcp", object{"HealthCheckConfig": object{"Type": "TCP"}}, nil)
	refused := func(operation string, in object, words ...string) {
		t.Helper()
		_, answer, err := c.call(t.Context(), operation, in)
		if err != nil || answer["__type"] != "InvalidInput" {
			t.Errorf("%v: %v %v", in, answer, err)
		}
		for _, w := range words {
			if !strings.Contains(text(answer, "Message"), w) {
				t.Errorf("%v: %q does not say %q", in, text(answer, "Message"), w)
			}
		}
	}
	for _, ttl := range []string{"", "0", "-1", "1.5", "10s", "86401", "ten"} {
		refused("RegisterInstance", object{"ServiceId": plain, "InstanceId": "i", "Attributes": object{"AWS_INSTANCE_IPV4": "10.0.0.1", "cairn.ttl": ttl}},
			"cairn.ttl", fmt.Sprintf("%q", ttl), "1 to 86400")
	}
	for _, bad := range [][3]string{
		{"interval", "0", "from 1s to 1h"}, {"interval", "soon", "number of seconds"}, {"timeout", "2m", "from 100ms to 1m"},
		{"success-threshold", "11", "1 to 10"}, {"expected-status", "2xx", "status codes"}, {"expected-status", "300-200", "status codes"},
		{"body", strings.Repeat("x", 256), "1 to 255 bytes"}, {"host", "a b", "host name"}, {"protocol", "http", "grpc"},
	} {
		refused("UpdateServiceAttributes", object{"ServiceId": web, "Attributes": object{"cairn.health." + bad[0]: bad[1]}}, "cairn.health."+bad[0], bad[1][:min(len(bad[1]), 20)], bad[2])
	}
	refused("UpdateServiceAttributes", object{"ServiceId": web, "Attributes": object{"cairn.health.intervall": "1"}}, "cairn.health.interval")
	refused("UpdateServiceAttributes", object{"ServiceId": tcp, "Attributes": object{"cairn.health.body": "x"}}, "cairn.health.body", "TCP")
}

// Settings count from the moment that they are set, and no more when they are
// deleted.
func TestSettingsWhileRunning(t *testing.T) {
	t.Parallel()
	c := startChecked(t, fast)
	var mu sync.Mutex
	host, agent := "", ""
	f := newBackend(t, "127.0.0.1", answer("HTTP/1.1 404 No\r\n\r\nlost"))
	service := c.service("web", httpCheck(2), nil)
	set := func(a object) {
		t.Helper()
		c.must(t, "UpdateServiceAttributes", object{"ServiceId": service, "Attributes": a})
	}
	c.register(service, "x", f.attributes())
	c.becomes("web", "x", "UNHEALTHY")
	set(object{"cairn.health.expected-status": "404"})
	c.becomes("web", "x", "HEALTHY")
	set(object{"cairn.health.body": "found"})
	c.becomes("web", "x", "UNHEALTHY")
	c.must(t, "DeleteServiceAttributes", object{"ServiceId": service, "Attributes": []string{"cairn.health.body"}})
	c.becomes("web", "x", "HEALTHY")
	c.must(t, "UpdateService", object{"Id": service, "Service": object{
		"DnsConfig":         object{"DnsRecords": []object{{"Type": "A", "TTL": 5}, {"Type": "AAAA", "TTL": 5}}},
		"HealthCheckConfig": object{"Type": "HTTP", "ResourcePath": "/other", "FailureThreshold": 1}}})
	if got := c.statusOf("web", "x"); got != "HEALTHY" {
		t.Errorf("a check that is changed takes the verdict along; got %s", got)
	}
	f.become(func(conn net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			return
		}
		mu.Lock()
		host, agent = r.Host, r.UserAgent()
		mu.Unlock()
		io.WriteString(conn, "HTTP/1.1 500 "+r.URL.Path+"\r\n\r\n")
	})
	c.becomes("web", "x", "UNHEALTHY")
	mu.Lock()
	if want := fmt.Sprintf("web.farm.example:%d", f.port); host != want || !strings.Contains(agent, "cairn") {
		t.Errorf("the request was for %q by %q, want %q by cairn", host, agent, want)
	}
	mu.Unlock()
	c.must(t, "UpdateService", object{"Id": service, "Service": object{
		"DnsConfig": object{"DnsRecords": []object{{"Type": "A", "TTL": 5}, {"Type": "AAAA", "TTL": 5}}}}})
	if got := c.statusOf("web", "x"); got != "UNKNOWN" {
		t.Errorf("without a check it is %s", got)
	}
	if addrs, _ := c.resolve(t.Context(), "web.farm.example"); len(addrs) != 1 {
		t.Errorf("without a check DNS answers %v", addrs)
	}
}

// Registering another address restarts the health check; deregistering ends the probes at
// once, even the one that runs.
func TestRegisterAgainAndDeregister(t *testing.T) {
	t.Parallel()
	c := startChecked(t, fast)
	f := newBackend(t, "127.0.0.1", answer(allWell))
	held := newBackend(t, "127.0.0.2", nil)
	ended := make(chan struct{}, 100)
	held.become(func(conn net.Conn) { silent(conn); ended <- struct{}{} })
	service := c.service("web", httpCheck(3), object{"cairn.health.timeout": "60"})
	c.register(service, "x", f.attributes())
	c.becomes("web", "x", "HEALTHY")
	c.register(service, "x", held.attributes())
	if got := c.statusOf("web", "x"); got != "UNKNOWN" {
		t.Errorf("registered again it is %s", got)
	}
	c.register(service, "x", f.attributes()) // while the probe of the other address hangs for a minute
	c.becomes("web", "x", "HEALTHY")
	c.register(service, "x", held.attributes())
	c.must(t, "DeregisterInstance", object{"ServiceId": service, "InstanceId": "x"})
	select { // the first probe was broken off; the second may not even have begun
	case <-ended:
	case <-time.After(30 * time.Second):
		t.Error("a probe of an address that is gone still runs")
	}
	if n := c.metric("cairn_health_checks", ""); n != 0 {
		t.Errorf("%v checks are left", n)
	}
}
