package task

// useProvider sets the capacity provider of a new task, and counts it. tasks are the
// numbers of tasks that count already.
//
// The provider with a base gets that many tasks first; the others are shared by weight.
func (x *Task) useProvider(strategy []CapacityProviderStrategyItem, tasks map[string]int) {
	if len(strategy) == 0 {
		return
	}
	x.CapacityProvider, x.LaunchType = nextProvider(strategy, tasks), launchEC2
	if isFargate(x.CapacityProvider) {
		x.LaunchType = launchFargate
	}
	tasks[x.CapacityProvider]++
}

// nextProvider returns the provider that is furthest behind its share.
func nextProvider(strategy []CapacityProviderStrategyItem, tasks map[string]int) string {
	best := -1
	var bestShare, bestWeight int64
	for i := range strategy {
		item := &strategy[i]
		n := int64(tasks[item.CapacityProvider]) - deref(item.Base)
		if n < 0 {
			return item.CapacityProvider
		}
		weight := deref(item.Weight)
		if weight > 0 && (best < 0 || (n+1)*bestWeight < bestShare*weight) {
			best, bestShare, bestWeight = i, n+1, weight
		}
	}
	return strategy[max(best, 0)].CapacityProvider
}

// providers returns the number of tasks of each capacity provider that stay.
func (s *serviceStep) providers() map[string]int {
	n := map[string]int{}
	for i := range s.members {
		if m := &s.members[i]; m.CapacityProvider != "" && !m.moves && !s.isStopped(m) {
			n[m.CapacityProvider]++
		}
	}
	return n
}
