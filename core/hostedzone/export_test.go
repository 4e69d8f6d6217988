package hostedzone

// Healthy is healthy, for tests.
func (s *State) Healthy(id string) bool { return s.healthy(id) }
