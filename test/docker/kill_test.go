package docker

import (
	"maps"
	"slices"
	"strconv"
	"testing"

	"github.com/miekg/dns"

	"github.com/cairn-discovery/cairn/test/hostile"
	"github.com/cairn-discovery/cairn/worker/runner/docker/enginetest"
)

// TestKilledTasks kills tasks as kill -9 does: they are answered no more at once, although
// the engine tells it later.
func TestKilledTasks(t *testing.T) {
	e := enginetest.Need(t)
	e.Load(t, enginetest.Image, nil)
	s := newService(newNode(t, e), e)
	hostile.Kill(t, &hostile.Service{
		Settled: func() { s.registered(2) },
		Victim: func() (task, address string, pid int) {
			all := s.instances()
			task = slices.Sorted(maps.Keys(all))[0]
			pid, err := strconv.Atoi(s.docker("inspect", "--format", "{{.State.Pid}}", s.containers()[task]))
			if err != nil {
				t.Fatal(err)
			}
			return task, all[task], pid
		},
		Instances: func() ([]string, error) {
			out, err := s.n.try("cloudmap:DiscoverInstances", object{"NamespaceName": "shop", "ServiceName": "web"})
			var all []string
			list, _ := at(out, "Instances").([]any)
			for _, i := range list {
				all = append(all, text(i, "InstanceId"))
			}
			return all, err
		},
		Addresses: func() ([]string, error) {
			query := new(dns.Msg)
			query.SetQuestion("web.shop.", dns.TypeA)
			answer, _, err := (&dns.Client{Net: "tcp"}).Exchange(query, dnsAddress)
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
	}, 5)
	s.n.call("ecs:UpdateService", object{"cluster": "c", "service": "web", "desiredCount": 0})
	s.n.until("no task is left", func() bool { return s.left() == "" })
}
