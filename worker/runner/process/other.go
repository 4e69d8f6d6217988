//go:build !linux

package process

import (
	"errors"

	"github.com/cairn-discovery/cairn/worker/runner"
)

// New fails: the driver needs Linux.
func New(Config) (runner.Driver, error) {
	return nil, errors.New("the process driver needs Linux")
}

// Main fails: the driver needs Linux.
func Main(string, []string) int { return 1 }
