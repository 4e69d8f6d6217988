package e2e

import (
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// Strict mode is AWS's: healthy until data says otherwise, and no active checks in
// private namespaces. That a custom change is visible after half a minute is
// worker/janitor's TestStrictCustomHealth; here it is only not visible at once.
func TestStrictHealth(t *testing.T) {
	t.Parallel()
	c := startChecked(t, "compatibility: strict\n"+fast)
	custom := c.service("told", object{"HealthCheckCustomConfig": object{"FailureThreshold": 1}}, nil)
	c.register(custom, "down", object{"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_IPV6": "fd00::1"})
	start := time.Now()
	c.must(t, "UpdateInstanceCustomHealthStatus", object{"ServiceId": custom, "InstanceId": "down", "Status": "UNHEALTHY"})
	if got := c.statusOf("told", "down"); got != "HEALTHY" && time.Since(start) < 29*time.Second {
		t.Errorf("right after a custom change it is %s", got)
	}
	c.strictCheck()
	c.must(t, "CreatePrivateDnsNamespace", object{"Name": "private.example", "Vpc": "vpc-1"})
	for _, ns := range c.all(t, "ListNamespaces", "Namespaces", object{}) {
		if ns["Name"] != "private.example" {
			continue
		}
		in := object{"Name": "s", "NamespaceId": ns["Id"], "DnsConfig": object{"DnsRecords": []object{{"Type": "A", "TTL": 5}}}, "HealthCheckConfig": object{"Type": "TCP"}}
		if _, answer, err := c.call(t.Context(), "CreateService", in); err != nil || answer["__type"] != "InvalidInput" {
			t.Errorf("an active check in a private namespace: %v %v", answer, err)
		}
	}
}

// strictCheck follows an instance that is down from the beginning.
func (c *checked) strictCheck() {
	c.t.Helper()
	dead := newBackend(c.t, "127.0.0.1", answer("HTTP/1.1 500 No\r\n\r\n"))
	service := c.service("web", httpCheck(3), nil)
	attributes := dead.attributes()
	attributes["AWS_INSTANCE_IPV6"] = "::1"
	c.register(service, "x", attributes)
	if got := c.statusOf("web", "x"); got != "HEALTHY" && c.metric("cairn_health_probes_total", "bad_status") < 3 {
		c.t.Errorf("right after its registration it is %s", got)
	}
	c.becomes("web", "x", "UNHEALTHY")
	dead.become(answer(allWell))
	c.becomes("web", "x", "HEALTHY")
}

// The settings of a check through the AWS CLI, as docs/health.md has it.
func TestSettingsByCLI(t *testing.T) {
	t.Parallel()
	program := testtool.Need(t, "aws", "awscli")
	c := startChecked(t, fast)
	service := c.service("web", httpCheck(3), nil)
	aws := func(args ...string) string {
		t.Helper()
		args = append([]string{"--endpoint-url", c.url, "--output", "text", "servicediscovery"}, args...)
		return run(t, c.dir, awsEnv(c.dir), program, args...)
	}
	aws("update-service-attributes", "--service-id", service, "--attributes", "cairn.health.interval=10,cairn.health.body=ready")
	if got := aws("get-service-attributes", "--service-id", service, "--query", `ServiceAttributes.Attributes."cairn.health.body"`); got != "ready\n" {
		t.Errorf("got %q", got)
	}
}
