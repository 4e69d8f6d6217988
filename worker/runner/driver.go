// Package runner runs the tasks that are placed on this node: an agent compares the
// containers that run with those that are wanted, and calls a Driver for each step.
package runner

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/cairn-discovery/cairn/core/task"
)

// Driver runs the containers of tasks on this machine. It decides nothing: the agent
// compares the containers that run with those that are wanted, and calls the next step. All methods may be
// called at the same time for different tasks; for one task the agent calls them one
// after the other, but for Observe, Logs, Stats and Listen.
//
// Containers live longer than the program: after a restart, and after kill -9, Tasks and
// Observe find them. A driver therefore keeps what it has to know in the engine, the kernel
// or files, and writes it before it acts.
//
// Package drivertest has the suite that every driver passes.
type Driver interface {
	// Name returns "process" or "docker".
	Name() string
	// Run watches the containers until ctx ends and calls changed with the id of a task
	// after something about it has changed: a container has started or ended, its
	// health, an OOM kill. Unneeded calls are allowed. Tasks go on when it returns.
	Run(ctx context.Context, changed func(taskID string)) error
	// Tasks returns the ids of the tasks of which anything exists on this machine.
	Tasks(ctx context.Context) ([]string, error)
	// Observe returns what exists of a task. A task of which nothing exists is an
	// empty Observation, and no error.
	Observe(ctx context.Context, taskID string) (*Observation, error)
	// Pull makes an image available and returns its digest, or "" where there is none.
	// Errors begin with "CannotPullContainerError: ".
	Pull(ctx context.Context, image string) (digest string, err error)
	// Prepare makes the network of a task (for awsvpc with the addresses of the Spec)
	// and what its containers share. It may be called again with the same Spec. When it
	// has returned, this machine has the addresses Network.Gateways, and can listen on
	// them. Errors begin with "ResourceInitializationError: ".
	Prepare(ctx context.Context, s *Spec) error
	// Start creates and starts a container that does not run. One that has ended is
	// started again (restart policy). Errors begin with "CannotCreateContainerError: " or
	// "CannotStartContainerError: ".
	Start(ctx context.Context, s *Spec, container string) error
	// Stop sends the stop signal (SIGTERM, or the image's), after the timeout SIGKILL,
	// and returns when the container has ended. It is no error if it had.
	Stop(ctx context.Context, taskID, container string, timeout time.Duration) error
	// Remove ends and deletes everything of a task: containers, anonymous volumes,
	// network, control groups. Logs are kept. It may be called again.
	Remove(ctx context.Context, taskID string) error
	// Cleanup deletes what tasks share (bridges, networks, rules) if no task is left.
	Cleanup(ctx context.Context) error
	// Logs returns the output of a container. With Follow it ends with ctx or the
	// container. A container of which nothing exists any more is ErrNoLog, unless the
	// driver has kept its output.
	Logs(ctx context.Context, taskID, container string, o LogOptions) (io.ReadCloser, error)
	// Stats returns resource usage in the form of the Docker Engine's stats.
	Stats(ctx context.Context, taskID, container string) (json.RawMessage, error)
	// Listen opens a listener on an address within the network namespace of a task in
	// awsvpc mode; a link-local address is added to its loopback interface first.
	Listen(ctx context.Context, taskID string, address netip.AddrPort) (net.Listener, error)
}

// ProxyDriver is a Driver that can run the proxies of Service Connect.
type ProxyDriver interface {
	Driver
	// Folder returns a folder of a task for files of the agent. It may not exist; Remove
	// deletes it.
	Folder(taskID string) string
}

// ErrNoLog means that a driver has no output of a container.
var ErrNoLog = errors.New("this node has no output")

// LogOptions select output.
type LogOptions struct {
	Follow bool
	// Tail is the number of last lines. 0: all.
	Tail int
}

// Spec is a task, with everything resolved that a driver needs. It is not changed.
type Spec struct {
	Task       *task.Task
	Definition *task.Definition
	Network    NetworkSpec
	// CPULimit is what all containers together may use, in units of 1/1024 of a CPU, and
	// MemoryLimit in bytes. 0: no limit.
	CPULimit, MemoryLimit int64
	// Containers are in the order of the definition.
	Containers []Container
}

// Container returns a container by its name, or nil.
func (s *Spec) Container(name string) *Container {
	for i := range s.Containers {
		if s.Containers[i].Definition.Name == name {
			return &s.Containers[i]
		}
	}
	return nil
}

// The modes of a network; see "Task networking" in the ECS developer guide.
const (
	ModeAWSVPC = "awsvpc"
	ModeBridge = "bridge"
	ModeHost   = "host"
	ModeNone   = "none"
)

// NetworkSpec is the network of a task.
type NetworkSpec struct {
	// Mode is one of the modes above.
	Mode string
	// Addresses are the task's own, with the length of the subnet (awsvpc). At most
	// one of each family.
	Addresses []netip.Prefix
	// Gateways are the node's addresses in the subnet: default routes of the task.
	Gateways []netip.Addr
	// Subnet names the network of the node that the tasks of one subnet share; it is
	// made for the first of them (awsvpc). It is the id of a configured subnet, or
	// "default".
	Subnet string
	// DNS are the resolvers of the task, and Search its search list.
	DNS    []netip.Addr
	Search []string
	// Hosts are further lines of /etc/hosts in each container.
	Hosts []task.HostEntry
	// Hostname of the task.
	Hostname string
	// Redirects are ports of the task that lead to other ports of it, for what comes from
	// outside of the task (awsvpc). Only a ProxyDriver gets them.
	Redirects []task.Redirect
	// ConnectPort is where connections of the task to task.ConnectRange are led. 0: nowhere.
	ConnectPort uint16
}

// Container is a container with overrides merged and the environment complete.
type Container struct {
	// Definition is that of the task definition with the overrides of the task.
	Definition *task.ContainerDefinition
	// Environment has "NAME=value" with secrets, files and the variables of the
	// metadata endpoint. It has precedence over that of the image.
	Environment []string
	// Labels are those of the definition and com.amazonaws.ecs.*.
	Labels map[string]string
	// CPUShares, and limits in bytes; 0: no limit.
	CPUShares                      int64
	MemoryLimit, MemoryReservation int64
	// Log is where the output goes.
	Log LogTarget
	// Mounts are files and folders of this machine. Only a ProxyDriver gets them.
	Mounts []Mount
}

// Mount is a file or folder of this machine in a container.
type Mount struct {
	Source, Target string
	ReadOnly       bool
}

// LogTarget says where the output of a container goes.
type LogTarget struct {
	// Driver is "awslogs" (files by group and stream), "json-file", "journald", "syslog"
	// or "none".
	Driver  string
	Options map[string]string
	// File is the file of the output, for awslogs, and for json-file of the process
	// driver. Its folder may not exist yet. Older output is in File.1, File.2 and so on.
	File string
	// MaxBytes is the size at which a file is full, and MaxFiles how many there are.
	MaxBytes int64
	MaxFiles int
}

// Observation is what exists of a task on the machine.
type Observation struct {
	// Network is the network of the task. Nil: there is none.
	Network *ObservedNetwork
	// Containers are those that exist, in any order. A driver sets Name, LastStatus
	// (RUNNING or STOPPED), RuntimeID, ImageDigest, Created, Started, Finished,
	// ExitCode, Restarts and Bindings; Reason if it was not an ordinary exit, such as
	// "OutOfMemoryError: Container killed due to memory usage"; and with a health check
	// Health, HealthSince and HealthOutput. It leaves ID empty.
	Containers []task.ContainerState
	// Ended are the names of those of Containers that are RUNNING but whose process has
	// ended: how, is not known yet. It may be nil.
	Ended map[string]bool
}

// ObservedNetwork is the network of a task as Prepare made it. In modes other than
// awsvpc it is empty.
type ObservedNetwork struct {
	Subnet    string
	Addresses []netip.Prefix
	MAC       string
}
