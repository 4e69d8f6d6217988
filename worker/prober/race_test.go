//go:build race

package prober

// The race detector makes a history five times as expensive.
const raceDetector = true
