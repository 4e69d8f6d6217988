package registry

import (
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
)

// Dump lists everything a State holds, the indexes included, one line each.
func Dump(s *State) []string {
	var lines []string
	for id, a := range s.accounts.All() {
		lines = append(lines, a.dump(string(id))...)
	}
	for key, l := range s.leases.All() {
		lines = append(lines, fmt.Sprintf("lease %s %x", key, l.encode(nil)))
	}
	lines = append(lines, dumpMap("lease by due", s.leasesByDue)...)
	return append(lines, dumpMap("pending", s.pending)...)
}

func (a *accountState) dump(at string) []string {
	var lines []string
	for _, ns := range a.namespaces.All() {
		lines = append(lines, fmt.Sprintf("%s namespace %s %q %x", at, ns.ID, ns.HTTPName, ns.encode(nil)))
		for key, svc := range ns.services.All() {
			lines = append(lines, fmt.Sprintf("%s service %s/%s revision %d %q %x", at, ns.ID, key, svc.revision, svc.summarySuffix, svc.encode(nil)), fmt.Sprintf("%s check %s %d %+v", at, svc.ID, svc.expired, svc.check))
			for id, inst := range svc.instances.All() {
				lines = append(lines, fmt.Sprintf("%s instance %s/%s %s %x", at, svc.ID, id, inst.summary(), inst.encode(nil)))
			}
		}
		lines = append(lines, dumpMap(at+" service by request in "+string(ns.ID), ns.servicesByRequest)...)
	}
	lines = append(lines, dumpMap(at+" service", a.services)...)
	lines = append(lines, dumpMap(at+" namespace by HTTP name", a.byHTTPName)...)
	lines = append(lines, dumpMap(at+" namespace by request", a.byRequest)...)
	lines = append(lines, dumpMap(at+" operation", a.operations)...)
	return append(lines, dumpMap(at+" operation by request", a.operationByRequest)...)
}

func dumpMap[K ~string, V any](what string, m ptree.Map[K, V]) []string {
	var lines []string
	for k, v := range m.All() {
		lines = append(lines, fmt.Sprintf("%s %q %q", what, k, fmt.Sprint(v)))
	}
	return lines
}

// InstanceOf returns the instance that a change stores.
func InstanceOf(c command.Change) *Instance { return c.(putInstance).inst }

// What tests need.
var NewAttributes = newAttributes

func (a Attributes) Get(key string) (string, bool) { return a.get(key) }

func (a InstanceAttributes) Contains(pairs map[string]string) bool { return a.contains(pairs) }
