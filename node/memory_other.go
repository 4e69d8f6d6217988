//go:build !linux

package node

// machineMemory returns 0: it is not known.
func machineMemory() int64 { return 0 }
