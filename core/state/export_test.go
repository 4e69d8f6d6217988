package state

// HasRecord reports whether the State has the record of a key.
func (s *State) HasRecord(key string) bool { return s.hasRecord(key) }
