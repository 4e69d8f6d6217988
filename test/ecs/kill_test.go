package ecs

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/test/hostile"
)

// TestKilledTasks kills tasks as kill -9 does: they are answered no more at once.
func TestKilledTasks(t *testing.T) {
	s := newShop(t, start(t), nil)
	defer s.end()
	s.must("UpdateService", object{"service": "orders", "desiredCount": 3})
	hostile.Kill(t, &hostile.Service{
		Settled: func() { s.settled("the service") },
		Victim: func() (task, address string, pid int) {
			x := s.described("RUNNING")[0]
			address = text(x, "containers", 0, "networkInterfaces", 0, "privateIpv4Address")
			return taskID(x), address, processOf(t, address)
		},
		Instances: func() ([]string, error) {
			out, err := s.try("servicediscovery", "DiscoverInstances", object{"NamespaceName": "shop.internal", "ServiceName": "orders"})
			var all []string
			list, _ := out["Instances"].([]any)
			for _, i := range list {
				all = append(all, text(i, "InstanceId"))
			}
			return all, err
		},
		Addresses: func() ([]string, error) {
			query := new(dns.Msg)
			query.SetQuestion("orders.shop.internal.", dns.TypeA)
			answer, _, err := (&dns.Client{Net: "tcp"}).Exchange(query, s.dns)
			if err != nil {
				return nil, err
			}
			var all []string
			for _, record := range answer.Answer {
				if a, ok := record.(*dns.A); ok {
					all = append(all, a.A.String())
				}
			}
			return all, nil
		},
	}, 9)
}

// processOf returns the web server that has an address.
func processOf(t *testing.T, address string) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, dir := range files {
		command, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		if err != nil || !strings.HasPrefix(string(command), "httpd-foreground") {
			continue
		}
		addresses, err := os.ReadFile(filepath.Join(dir, "net", "fib_trie"))
		if err == nil && strings.Contains(string(addresses), " "+address+"\n") {
			pid, err := strconv.Atoi(filepath.Base(dir))
			if err != nil {
				t.Fatal(err)
			}
			return pid
		}
	}
	t.Fatalf("no process has the address %s", address)
	return 0
}
