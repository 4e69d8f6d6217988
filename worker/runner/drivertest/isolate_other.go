//go:build !linux

package drivertest

// Isolate does nothing: the drivers need Linux.
func Isolate() {}
