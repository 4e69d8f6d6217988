package e2e

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
)

// A node whose checks all fail together with its control probe distrusts itself:
// it keeps the verdicts, says so everywhere, and recovers.
func TestBrownOut(t *testing.T) {
	t.Parallel() // it mostly waits
	control := newBackend(t, "127.0.0.1", silent)
	c := startChecked(t, fmt.Sprintf("health: {interval: 300ms, initial_interval: 100ms, max_rate_per_address: 10000, control: [%q]}\n", control.addr()))
	web := newBackend(t, "127.0.0.2", answer(allWell))
	service := c.service("web", httpCheck(5), patient)
	const n = 20
	for i := range n {
		c.register(service, fmt.Sprint("i", i), web.attributes())
	}
	healthy := map[string]int{"HEALTHY": n}
	c.counts(service, healthy)
	control.refuse()
	web.refuse()
	c.await("it distrusts itself", func() bool {
		if got := c.statuses(service); got["HEALTHY"] != n {
			t.Fatalf("before it could know better: %v", got)
		}
		return c.metric("cairn_health_distrusted", "") == 1
	})
	failed := c.metric("cairn_health_probes_total", "refused")
	c.await("it goes on probing", func() bool {
		if got := c.statuses(service); got["HEALTHY"] != n {
			t.Fatalf("distrusted, and yet %v", got)
		}
		return c.metric("cairn_health_probes_total", "refused") >= failed+5*n
	})
	if got := c.explain("web.farm.example"); !strings.Contains(got, "seems to be cut off") {
		t.Errorf("explain does not say that the node distrusts itself:\n%s", got)
	}
	if log := c.log.text(); !strings.Contains(log, "this node seems to be cut off") {
		t.Errorf("the log does not say it:\n%s", log)
	}
	web.become(answer(allWell)) // the network is back
	control.become(silent)
	c.await("it recovers", func() bool { return c.metric("cairn_health_distrusted", "") == 0 })
	if got := c.statuses(service); got["HEALTHY"] != n {
		t.Errorf("recovered: %v", got)
	}
	if log := c.log.text(); !strings.Contains(log, "health checks count again") {
		t.Errorf("the log does not say it:\n%s", log)
	}
	web.refuse() // now it is the instances
	c.counts(service, map[string]int{"UNHEALTHY": n})
}

// What must not be probed is not: it stays without a verdict, and explain says
// why.
func TestForbiddenAddresses(t *testing.T) {
	t.Parallel()
	c := startChecked(t, "health: {interval: 300ms, initial_interval: 100ms, max_rate_per_address: 10000, deny: [127.9.0.0/16]}\n")
	probed := make(chan struct{}, 100)
	denied := newBackend(t, "127.9.0.1", nil)
	denied.become(func(conn net.Conn) { probed <- struct{}{}; answer(allWell)(conn) })
	service := c.service("web", httpCheck(1), nil)
	admin := c.admin[strings.LastIndex(c.admin, ":")+1:]
	c.register(service, "ok", newBackend(t, "127.0.0.1", answer(allWell)).attributes())
	forbidden := map[string]object{
		"denied":    denied.attributes(),
		"metadata":  {"AWS_INSTANCE_IPV4": "169.254.169.254", "AWS_INSTANCE_PORT": "80"},
		"ecs":       {"AWS_INSTANCE_IPV4": "169.254.170.2", "AWS_INSTANCE_PORT": "80"},
		"metadata6": {"AWS_INSTANCE_IPV6": "fd00:ec2::254", "AWS_INSTANCE_PORT": "80"},
		"link":      {"AWS_INSTANCE_IPV6": "fe80::1", "AWS_INSTANCE_PORT": "80"},
		"mapped":    {"AWS_INSTANCE_IPV6": "::ffff:169.254.169.254", "AWS_INSTANCE_PORT": "80"},
		"any":       {"AWS_INSTANCE_IPV4": "0.0.0.0", "AWS_INSTANCE_PORT": admin},
		"admin":     {"AWS_INSTANCE_IPV4": "127.0.0.1", "AWS_INSTANCE_PORT": admin},
		"admin6":    {"AWS_INSTANCE_IPV6": "::ffff:127.0.0.1", "AWS_INSTANCE_PORT": admin},
	}
	for id, attributes := range forbidden {
		status, answer, err := c.call(t.Context(), "RegisterInstance", object{"ServiceId": service, "InstanceId": id, "Attributes": attributes})
		if err != nil || status != http.StatusOK && answer["__type"] != "InvalidInput" {
			t.Fatalf("%s: %v %v", id, answer, err)
		}
		if status != http.StatusOK {
			t.Logf("%s is refused at once: %v", id, answer["Message"])
			delete(forbidden, id)
		}
	}
	c.becomes("web", "ok", "HEALTHY")
	c.await("all probes", func() bool {
		return c.metric("cairn_health_probes_total", "passed") >= 5 && c.metric("cairn_health_probes_total", "forbidden") >= float64(len(forbidden))
	})
	for id := range forbidden {
		if got := c.statusOf("web", id); got != "UNKNOWN" {
			t.Errorf("%s is %s", id, got)
		}
	}
	select {
	case <-probed:
		t.Error("a denied address was probed")
	default:
	}
	if got := c.explain("web.farm.example"); strings.Count(got, "must not be probed") != len(forbidden) {
		t.Errorf("explain does not say so %d times:\n%s", len(forbidden), got)
	}
}
