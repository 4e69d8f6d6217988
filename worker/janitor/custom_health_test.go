package janitor_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/store/memory"
)

// TestStrictCustomHealth: in strict mode a change of custom health is visible
// after half a minute, as on AWS. The same change again does not restart the wait,
// and a change that is taken back is never visible.
func TestStrictCustomHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := startWith(t, memory.New(), true)
		defer w.stop()
		w.setUp()
		for _, id := range []registry.InstanceID{"down", "wavering"} {
			w.do(&registry.RegisterInstance{ServiceRef: string(w.service), ID: id, Attributes: map[string]string{"AWS_INSTANCE_IPV4": "10.0.0.1"}})
		}
		tell := func(id registry.InstanceID, h registry.Health) {
			w.do(&registry.SetCustomHealth{ServiceRef: string(w.service), ID: id, Health: h})
		}
		expect := func(down, wavering string) {
			t.Helper()
			synctest.Wait()
			svc, _ := w.replica.Current().Registry.Service(account, w.service)
			for id, want := range map[registry.InstanceID]string{"down": down, "wavering": wavering} {
				if inst, ok := svc.Instance(id); !ok || svc.Health(inst).String() != want {
					t.Errorf("%s is %v, want %s", id, svc.Health(inst), want)
				}
			}
		}
		tell("down", registry.Unhealthy)
		tell("wavering", registry.Unhealthy)
		time.Sleep(20 * time.Second) // the bubble's time
		tell("down", registry.Unhealthy)
		tell("wavering", registry.Healthy)
		expect("HEALTHY", "HEALTHY")
		time.Sleep(9 * time.Second)
		expect("HEALTHY", "HEALTHY")
		time.Sleep(2 * time.Second)
		expect("UNHEALTHY", "HEALTHY")
		time.Sleep(time.Minute)
		expect("UNHEALTHY", "HEALTHY")
	})
}
