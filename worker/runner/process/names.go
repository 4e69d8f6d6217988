//go:build linux

package process

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
)

// layout names the files of a driver. Everything of a task is below
// RunDir/tasks/TASK; what may be large is below DataDir/TASK.
type layout struct{ run, data string }

func (l layout) events() string          { return filepath.Join(l.run, "events") }
func (l layout) lock() string            { return filepath.Join(l.run, "lock") }
func (l layout) owner() string           { return filepath.Join(l.run, "owner.json") }
func (l layout) tasks() string           { return filepath.Join(l.run, "tasks") }
func (l layout) task(id string) string   { return filepath.Join(l.run, "tasks", id) }
func (l layout) record(id string) string { return filepath.Join(l.task(id), "task.json") }
func (l layout) netns(id string) string  { return filepath.Join(l.task(id), "netns") }
func (l layout) big(id string) string    { return filepath.Join(l.data, id) }

func (l layout) agent(id string) string { return filepath.Join(l.task(id), "agent") }

func (l layout) containers(id string) string { return filepath.Join(l.task(id), "containers") }

func (l layout) container(id, name string) containerDir {
	return containerDir(filepath.Join(l.containers(id), name))
}

// containerDir is the folder of one container. The driver and the shim share it.
type containerDir string

func (d containerDir) record() string { return filepath.Join(string(d), "container.json") }
func (d containerDir) spec() string   { return filepath.Join(string(d), "spec.json") }
func (d containerDir) lock() string   { return filepath.Join(string(d), "lock") }
func (d containerDir) shim() string   { return filepath.Join(string(d), "shim.json") }
func (d containerDir) exit() string   { return filepath.Join(string(d), "exit.json") }
func (d containerDir) health() string { return filepath.Join(string(d), "health.json") }
func (d containerDir) netns() string  { return filepath.Join(string(d), "netns") }
func (d containerDir) root() string   { return filepath.Join(string(d), "root") }

// checkTask refuses what is not the id of a task: it becomes part of file names.
func checkTask(id string) error {
	if len(id) == 0 || len(id) > 64 || strings.Trim(id, "0123456789abcdef") != "" {
		return fmt.Errorf("%q is not the id of a task", id)
	}
	return nil
}

// checkContainer refuses names that cannot be part of a file name.
func checkContainer(name string) error {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"
	if len(name) == 0 || len(name) > 255 || strings.Trim(name, letters) != "" {
		return fmt.Errorf("%q is not a valid name of a container: up to 255 letters, digits, hyphens and underscores", name)
	}
	return nil
}

// shortName returns a name of an interface: a prefix of at most 3 letters and 12
// hexadecimal digits, derived from parts.
func shortName(prefix string, parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return prefix + hex.EncodeToString(sum[:6])
}

// isMissing reports whether an error means that a file does not exist.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
