package cluster

import (
	"context"
	"fmt"
	"net/http"
	"syscall"
	"testing"
	"time"
)

// maxStaleness is after how long without etcd nothing is answered.
const maxStaleness = 6 * time.Second

// TestStaleOverEtcd: while all members of etcd are killed, or stopped, a node answers up to
// nodes.max_staleness. Then /readyz is red, requests get status 503 and DNS queries SERVFAIL.
// When etcd is back, all is well again.
func TestStaleOverEtcd(t *testing.T) {
	w := overEtcdWith(t, fmt.Sprintf(", max_staleness: %v, stale_answers: refuse", maxStaleness), "")
	m := w.nodes[0]
	m.must("CreatePublicDnsNamespace", `{"Name":"stale.example"}`, &struct{}{})
	var list struct {
		Namespaces []struct{ Id, Name string }
	}
	m.must("ListNamespaces", `{"MaxResults":100}`, &list)
	var created struct{ Service struct{ Id string } }
	for _, ns := range list.Namespaces {
		if ns.Name == "stale.example" {
			m.must("CreateService", fmt.Sprintf(`{"Name":"web","NamespaceId":%q,"DnsConfig":{"DnsRecords":[{"Type":"A","TTL":1}]}}`, ns.Id), &created)
		}
	}
	m.must("RegisterInstance", fmt.Sprintf(`{"ServiceId":%q,"InstanceId":"i","Attributes":{"AWS_INSTANCE_IPV4":"192.0.2.7"}}`, created.Service.Id), &struct{}{})

	const ok, refused = "ready 200, API 200, DNS 0", "ready 503, API 503, DNS 2"
	for _, hurt := range []struct {
		name       string
		begin, end func(*machine)
	}{
		{"killed", (*machine).kill, (*machine).start},
		{"stopped", func(m *machine) { m.signal(syscall.SIGSTOP) }, func(m *machine) { m.signal(syscall.SIGCONT) }},
	} {
		t.Run(hurt.name, func(t *testing.T) {
			eventually(t, func() string { return m.answers() }, ok)
			begin := time.Now()
			for _, member := range w.members {
				hurt.begin(member)
			}
			if got := m.answers(); time.Since(begin) < maxStaleness/2 && got != ok {
				t.Errorf("at once: %s", got)
			}
			eventually(t, func() string { return m.answers() }, refused)
			if after := time.Since(begin); after < maxStaleness-lease {
				t.Errorf("answers stop after %v", after)
			}
			for _, member := range w.members {
				hurt.end(member)
			}
			eventually(t, func() string { return m.answers() }, ok)
		})
	}
}

func eventually(t *testing.T, is func() string, want string) {
	t.Helper()
	got := ""
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if got = is(); got == want {
			return
		}
	}
	t.Fatalf("got %s, want %s", got, want)
}

// answers returns the status of /readyz, that of a request, and the RCODE of a DNS query.
func (m *machine) answers() string {
	ready := 0
	if resp, err := m.client.Get("http://" + adminAddr + "/readyz"); err == nil {
		ready = resp.StatusCode
		resp.Body.Close()
	}
	a, err := m.call(context.Background(), "ListNamespaces", "{}", 0)
	if err != nil || a.status == http.StatusOK && !a.is("stale.example") {
		a.status = 0
	}
	return fmt.Sprintf("ready %d, API %d, DNS %d", ready, a.status, m.rcode())
}

// rcode returns the RCODE of the answer to a query for web.stale.example, and -1 if there is
// no answer, or one without a record.
func (m *machine) rcode() int {
	conn, err := m.dial(context.Background(), "udp", dnsAddr)
	if err != nil {
		return -1
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(2 * time.Second))
	query := []byte("\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x03web\x05stale\x07example\x00\x00\x01\x00\x01")
	answer := make([]byte, 512)
	if _, err := conn.Write(query); err != nil {
		return -1
	}
	n, err := conn.Read(answer)
	if err != nil || n < 12 || answer[0] != query[0] || answer[1] != query[1] {
		return -1
	}
	rcode := int(answer[3] & 15)
	if rcode == 0 && answer[7] != 1 {
		return -1
	}
	return rcode
}
