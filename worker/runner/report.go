package runner

import (
	"cmp"
	"reflect"
	"slices"

	"github.com/cairn-discovery/cairn/core/task"
)

func sortSteps(all []step) {
	slices.SortFunc(all, func(a, b step) int { return cmp.Compare(a.container, b.container) })
}

// report returns what the state does not know yet about the containers of a task. Nil:
// it knows everything.
func (s *situation) report() []task.ContainerState {
	if s.task == nil {
		return nil
	}
	var news []task.ContainerState
	for i := range s.task.Containers {
		known := &s.task.Containers[i]
		now := s.current(known)
		if now != nil && !sameState(known, now) {
			news = append(news, *now)
		}
	}
	return news
}

// current returns the state of a container to report, or nil if there is nothing to say.
func (s *situation) current(known *task.ContainerState) *task.ContainerState {
	seen := s.seen[known.Name]
	switch {
	case seen == nil && known.LastStatus != task.StatusStopped && s.lost(known.Name) != nil:
		gone := *known
		gone.LastStatus = task.StatusStopped
		gone.Reason = "ContainerVanishedError: No container matching saved ID found"
		return &gone
	case seen == nil:
		return nil
	case seen.LastStatus == task.StatusStopped && !s.final(known.Name):
		return nil // it is about to run again
	}
	now := *seen
	if s.ended[known.Name] && !restartable(containerOf(s.definition, known.Name)) {
		now.LastStatus = task.StatusStopped // clients must not use it; the exit code follows
	}
	now.ID = known.ID
	if now.Reason == "" {
		now.Reason = s.broken[known.Name]
	}
	if now.ImageDigest == "" {
		now.ImageDigest = known.ImageDigest
	}
	if now.Health == "" {
		now.Health = known.Health
	}
	return &now
}

// sameState reports whether two states count as one. The output of a health
// check alone is not news: it may be different each time.
func sameState(a, b *task.ContainerState) bool {
	x, y := *a, *b
	if x.Health == y.Health {
		x.HealthOutput, y.HealthOutput = "", ""
		x.HealthSince, y.HealthSince = 0, 0
	}
	return reflect.DeepEqual(x, y)
}
