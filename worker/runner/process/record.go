//go:build linux

package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"

	"github.com/cairn-discovery/cairn/core/task"
)

// maxRecord bounds the files that are read. The environment of a container is the
// largest part of any of them.
const maxRecord = 16 << 20

// taskRecord is what the driver keeps of a task. It is written before anything of the
// task is made.
type taskRecord struct {
	Mode      string         `json:"mode"`
	Subnet    string         `json:"subnet,omitempty"`
	Addresses []netip.Prefix `json:"addresses,omitempty"`
	Gateways  []netip.Addr   `json:"gateways,omitempty"`
	MAC       string         `json:"mac,omitempty"`
	// Redirects are ports that lead to the proxy of the task.
	Redirects   []task.Redirect `json:"redirects,omitempty"`
	ConnectPort uint16          `json:"connectPort,omitempty"`
	// Ready means that Prepare has finished.
	Ready bool `json:"ready"`
}

// containerRecord is what the driver keeps of a container. It is written before its
// shim starts.
type containerRecord struct {
	RuntimeID string         `json:"runtimeId"`
	Restarts  int            `json:"restarts"`
	Created   int64          `json:"created"`
	Digest    string         `json:"digest,omitempty"`
	Address   netip.Addr     `json:"address,omitzero"` // in bridge mode
	Bindings  []task.Binding `json:"bindings,omitempty"`
	Log       logSpec        `json:"log"`
}

// shimRecord is written by a shim before it starts the container.
type shimRecord struct {
	PID       int    `json:"pid"`   // in the process namespace of the host
	StartTime uint64 `json:"start"` // in clock ticks since boot, tells a process from a later one with its id
	Started   int64  `json:"started,omitempty"`
}

// exitRecord is written by a shim after the container has ended.
type exitRecord struct {
	Code     int64  `json:"code"`
	Reason   string `json:"reason,omitempty"`
	Finished int64  `json:"finished"`
}

// healthRecord is written by a shim when the health of its container changes.
type healthRecord struct {
	Health string `json:"health"`
	Since  int64  `json:"since"`
	Output string `json:"output,omitempty"`
}

// writeRecord replaces a file with the JSON form of v.
func writeRecord(name string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	next := name + ".new"
	if err := os.WriteFile(next, data, 0o600); err != nil {
		return err
	}
	return os.Rename(next, name)
}

// readRecord reads a file into v. ok is false if there is no such file.
func readRecord(name string, v any) (ok bool, err error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRecord))
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return false, fmt.Errorf("%s: %w", name, err)
	}
	return true, nil
}
