//go:build linux && !amd64

package cluster

// clockFaults returns no faults: the tests know how to change the clock of a process only on
// amd64.
func clockFaults() []fault { return nil }
