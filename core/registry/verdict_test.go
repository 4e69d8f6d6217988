package registry_test

import (
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
)

// checkedService makes a service with an HTTP check in a public namespace, and
// one instance of it.
func (w *fixture) checkedService() *registry.Service {
	w.Helper()
	svc := w.service(w.namespace(registry.DNSPublic, "p.example"), registry.CreateService{
		Name: "s", DNS: records("", registry.RecordA),
		HealthCheck: &registry.HealthCheck{Type: registry.CheckHTTP, ResourcePath: "/up", FailureThreshold: 3},
	})
	w.register(svc.ID, "i", checkedAttrs())
	return w.currentService(svc.ID)
}

func checkedAttrs() attrs { return attrs{"AWS_INSTANCE_IPV4": "10.0.0.1", "AWS_INSTANCE_PORT": "80"} }

// verdict is one on instance i as it is now.
func (w *fixture) verdict(svc registry.ServiceID, to registry.Health) registry.Verdict {
	w.Helper()
	inst := w.instance(svc, "i")
	return registry.Verdict{
		Account: w.account, Service: svc, Instance: "i", Registered: inst.Registered,
		Check: w.currentService(svc).Check().Stamp, From: inst.Health, To: to,
	}
}

func TestSetVerdicts(t *testing.T) {
	inBothModes(t, func(t *testing.T, w *fixture) {
		svc := w.checkedService()
		revision := svc.InstancesRevision()
		for _, to := range []registry.Health{registry.Unhealthy, registry.Healthy, registry.Unhealthy} {
			if n := w.do(&registry.SetVerdicts{Verdicts: []registry.Verdict{w.verdict(svc.ID, to)}}).Count; n != 1 {
				t.Fatalf("%s: stored %d verdicts, want 1", to, n)
			}
			if got := w.health(svc.ID, "i"); got != to {
				t.Errorf("got %s, want %s", got, to)
			}
			if got := int64(w.instance(svc.ID, "i").Changed); got != w.now/1000 {
				t.Errorf("changed at %d, want %d", got, w.now/1000)
			}
		}
		if w.currentService(svc.ID).InstancesRevision() != revision {
			t.Error("health changed the InstancesRevision")
		}
	})
}

// TestVerdictsThatCameTooLate are the cases in which something happened between
// a probe and its verdict.
func TestVerdictsThatCameTooLate(t *testing.T) {
	for name, meanwhile := range map[string]func(w *fixture, svc *registry.Service){
		"registered again": func(w *fixture, svc *registry.Service) { w.register(svc.ID, "i", checkedAttrs()) },
		"deregistered":     func(w *fixture, svc *registry.Service) { w.deregister(svc.ID, "i") },
		"deregistered and registered": func(w *fixture, svc *registry.Service) {
			w.deregister(svc.ID, "i")
			w.register(svc.ID, "i", checkedAttrs())
		},
		"check changed": func(w *fixture, svc *registry.Service) {
			check := *svc.HealthCheck
			check.ResourcePath = "/other"
			w.do(&registry.UpdateService{Ref: string(svc.ID), Records: svc.DNS.Records, HealthCheck: &check})
		},
		"check removed": func(w *fixture, svc *registry.Service) {
			w.do(&registry.UpdateService{Ref: string(svc.ID), Records: svc.DNS.Records})
		},
		"settings changed": func(w *fixture, svc *registry.Service) {
			w.do(&registry.UpdateServiceAttributes{Ref: string(svc.ID), Attributes: attrs{"cairn.health.body": "ok"}})
		},
		"another verdict": func(w *fixture, svc *registry.Service) {
			w.do(&registry.SetVerdicts{Verdicts: []registry.Verdict{w.verdict(svc.ID, registry.Unhealthy)}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newFixture(t, false)
			svc := w.checkedService()
			late := w.verdict(svc.ID, registry.Healthy)
			meanwhile(w, svc)
			if n := w.do(&registry.SetVerdicts{Verdicts: []registry.Verdict{late}}).Count; n != 0 {
				t.Errorf("stored %d verdicts, want none", n)
			}
		})
	}
}

// TestVerdictSurvivesUpdateService: changing a check keeps the verdict until
// there is a new one; removing it makes the health UNKNOWN, and with a check that is
// added the instances stay in the answers.
func TestVerdictSurvivesUpdateService(t *testing.T) {
	w := newFixture(t, false)
	svc := w.checkedService()
	w.do(&registry.SetVerdicts{Verdicts: []registry.Verdict{w.verdict(svc.ID, registry.Healthy)}})
	update := func(check *registry.HealthCheck, want registry.Health) {
		t.Helper()
		w.do(&registry.UpdateService{Ref: string(svc.ID), Records: svc.DNS.Records, HealthCheck: check})
		if got := w.health(svc.ID, "i"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	update(&registry.HealthCheck{Type: registry.CheckHTTP, ResourcePath: "/new", FailureThreshold: 1}, registry.Healthy)
	update(nil, registry.Unknown)
	update(&registry.HealthCheck{Type: registry.CheckTCP}, registry.Healthy)
}

func TestStampTellsChecksApart(t *testing.T) {
	w := newFixture(t, false)
	svc := w.checkedService()
	stamps := map[uint64]bool{svc.Check().Stamp: true}
	set := func(a attrs) {
		w.do(&registry.UpdateServiceAttributes{Ref: string(svc.ID), Attributes: a})
		stamps[w.currentService(svc.ID).Check().Stamp] = true
	}
	set(attrs{"team": "a"}) // says nothing about the check
	if len(stamps) != 1 {
		t.Error("another attribute changed the stamp")
	}
	set(attrs{"cairn.health.interval": "10"})
	set(attrs{"cairn.health.host": "h"})
	if len(stamps) != 3 {
		t.Errorf("%d stamps, want 3", len(stamps))
	}
}
