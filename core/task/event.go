package task

import (
	"fmt"
	"slices"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/table"
)

// Event is an event of a service.
type Event struct {
	Account command.AccountID `json:"-"`
	Cluster string            `json:"-"`
	Service string            `json:"-"`
	// Number counts the events of the service.
	Number int64 `json:"-"`

	ID      string `json:"id"` // UUID
	Time    int64  `json:"time"`
	Message string `json:"message"`
	// Level is INFO, WARN or ERROR; "" is INFO.
	Level string `json:"level,omitempty"`
	// Code is such as SERVICE_STEADY_STATE. Empty: none.
	Code string `json:"code,omitempty"`

	unknown
}

// Levels and codes of events; see "Amazon ECS service action events" in the developer
// guide.
const (
	levelWarn  = "WARN"
	levelError = "ERROR"

	codeSteady          = "SERVICE_STEADY_STATE"
	codeStartImpaired   = "SERVICE_TASK_START_IMPAIRED"
	codePlacementFailed = "SERVICE_TASK_PLACEMENT_FAILURE"
	codeUnhealthy       = "SERVICE_DISCOVERY_INSTANCE_UNHEALTHY"
	codeCompleted       = "SERVICE_DEPLOYMENT_COMPLETED"
	codeFailed          = "SERVICE_DEPLOYMENT_FAILED"
	codeInProgress      = "SERVICE_DEPLOYMENT_IN_PROGRESS"
)

// maxEvents is how many events of a service are kept.
const maxEvents = 100

func (x *Event) name() string { return nameOf(x.Account, x.Cluster, x.Service, eventNumber(x.Number)) }

func eventNumber(n int64) string { return fmt.Sprintf("%019d", n) }

// Events returns the newest events of a service, newest first, at most 100.
func (s *State) Events(account command.AccountID, cluster, service string) []*Event {
	list := slices.Collect(table.Within(s.events, nameOf(account, cluster, service, ""), ""))
	slices.Reverse(list)
	return list
}

// lastEvent returns the number of the newest event of a service, 0 without any.
func (s *State) lastEvent(svc *Service) int64 {
	prefix := svc.name() + "/"
	for key, e := range s.events.Before(prefix + "~") {
		if len(key) > len(prefix) && key[:len(prefix)] == prefix {
			return e.Number
		}
		break
	}
	return 0
}

// event adds an event of a service: the format with "(service NAME) " before it.
func (t *transaction) event(svc *Service, format string, args ...any) {
	t.addEvent(svc, Event{Message: "(service " + svc.Name + ") " + fmt.Sprintf(format, args...)})
}

// notice adds an event of a service with a level and a code.
func (t *transaction) notice(svc *Service, level, code, format string, args ...any) {
	t.addEvent(svc, Event{Level: level, Code: code, Message: "(service " + svc.Name + ") " + fmt.Sprintf(format, args...)})
}

func (t *transaction) addEvent(svc *Service, e Event) {
	e.Account, e.Cluster, e.Service, e.Number = svc.Account, svc.Cluster, svc.Name, t.state().lastEvent(svc)+1
	e.ID, e.Time = t.newUUID(), t.meta.Now
	e.Message = cut(e.Message)
	t.add(eventLists.Put(&e))
	old := &Event{Account: e.Account, Cluster: e.Cluster, Service: e.Service, Number: e.Number - maxEvents}
	if _, ok := t.state().events.Get(old.name()); ok {
		t.add(eventLists.Delete(old))
	}
}

// deleteEvents deletes the events of a service.
func (t *transaction) deleteEvents(svc *Service) {
	for _, e := range t.state().Events(svc.Account, svc.Cluster, svc.Name) {
		t.add(eventLists.Delete(e))
	}
}
