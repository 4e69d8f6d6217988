// Package docker runs the tasks of a node as containers of the Docker Engine, by its
// API of version 1.41 (Engine 20.10) and later.
//
// All that the driver has to know of a task is in the labels of its containers, in the
// names that it gives them, which follow from the task, and in the folder of the task
// below Config.Dir. So a new process of the node finds and adopts what runs. Only
// objects with the label cairn.node of this node are ever changed or deleted.
//
//	Prepare  folder of the task, network of the subnet, pause container, volumes
//	Start    container: create, start
//	Observe  list by label, inspect
//	Run      events by label; output → files of the log groups
//	Remove   containers, volumes, folder
//	Cleanup  networks, image of the pause container
//
// A task in awsvpc mode has a pause container with the addresses of the task. The other
// containers join its network namespace.
package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"

	"github.com/moby/moby/client"

	"github.com/cairn-discovery/cairn/worker/runner"
)

// Labels of containers, networks and volumes.
const (
	labelNode      = "cairn.node"
	labelTask      = "cairn.task-id"
	labelContainer = "cairn.container" // name in the task definition
	labelAccount   = "cairn.account"   // of shared volumes
	labelSubnet    = "cairn.subnet"    // of networks
	labelLog       = "cairn.log"       // log target in JSON, if output goes to a file

	labelPrefix = "cairn."
)

// pauseName is the name of the pause container in the place of that of a container
// definition. Container definitions cannot have it: "~" is not allowed there.
const pauseName = "~internal~ecs~pause"

// Pull policies; see Config.PullPolicy.
const (
	pullPreferCached = "prefer-cached"
	pullAlways       = "always"
	pullOnce         = "once"
	pullNever        = "never"
)

// defaultSocket is where engines listen.
const defaultSocket = "/var/run/docker.sock"

// defaultPidsLimit is the number of processes that a container may have.
const defaultPidsLimit = 4096

// Config is what a Driver needs.
type Config struct {
	// Node is the name of this node. Required. Several nodes may use one engine.
	Node string
	// Dir is the folder for the state of tasks and for positions of logs. Required. The
	// engine has to see it under the same path.
	Dir string
	// Socket is the Unix socket of the engine. Empty: /var/run/docker.sock. The engine has
	// to run on this machine.
	Socket string
	// PullPolicy is when images are pulled: "prefer-cached" (an image that the engine has
	// is used; "" too), "always", "once" (in the life of this process) or "never".
	PullPolicy string
	// AuthFile has the credentials of registries in the form of Docker's config.json,
	// member "auths". Empty: none.
	AuthFile string
	// HostPaths are folders that tasks may mount, with all below them. Empty: all but
	// the folders of the system (see protectedPaths) and those of ProtectedPaths.
	HostPaths []string
	// ProtectedPaths are files and folders that tasks must not mount, such as the data
	// of this node.
	ProtectedPaths []string
	// Privileged allows what gives a task control over this machine: privileged
	// containers, devices, namespaces of the host for processes and IPC, capabilities
	// beyond those of safeCapabilities, and unconfined security profiles.
	Privileged bool
	// Forbidden are TCP ports of this machine that tasks in awsvpc and bridge mode do not
	// reach.
	Forbidden []uint16
	// PidsLimit is the number of processes that a container may have. 0: 4096.
	PidsLimit int64
	// Logger receives losses of the engine and problems with logs. Required.
	Logger *slog.Logger
}

// Driver runs tasks by the Docker Engine.
type Driver struct {
	cfg    Config
	engine *engine
	health healthMemory
	logs   logCopies
	ends   endWatches

	mu      sync.Mutex
	pulled  map[string]bool   // images, for pullOnce
	digests map[string]string // by id of the image
	// preparing serializes what tasks share: networks and the image of the pause container.
	preparing sync.Mutex
}

var _ runner.Driver = (*Driver)(nil)

// New returns a Driver. It does not call the engine.
func New(cfg Config) (*Driver, error) {
	switch cfg.PullPolicy {
	case "":
		cfg.PullPolicy = pullPreferCached
	case pullPreferCached, pullAlways, pullOnce, pullNever:
	default:
		return nil, fmt.Errorf("pull policy %q: must be %s, %s, %s or %s", cfg.PullPolicy, pullPreferCached, pullAlways, pullOnce, pullNever)
	}
	if cfg.Node == "" || cfg.Dir == "" || cfg.Logger == nil {
		return nil, errors.New("docker driver: Node, Dir and Logger are required")
	}
	if !filepath.IsAbs(cfg.Dir) {
		return nil, fmt.Errorf("folder of the docker driver %q: must be absolute", cfg.Dir)
	}
	for _, p := range cfg.HostPaths {
		if !filepath.IsAbs(p) || filepath.Clean(p) != p {
			return nil, fmt.Errorf("host path %q: must be absolute and without \"..\" and double slashes", p)
		}
	}
	if cfg.PidsLimit < 0 {
		return nil, fmt.Errorf("limit of processes %d: must not be negative", cfg.PidsLimit)
	}
	if cfg.PidsLimit == 0 {
		cfg.PidsLimit = defaultPidsLimit
	}
	if cfg.Socket == "" {
		cfg.Socket = defaultSocket
	}
	e, err := newEngine(cfg.Socket)
	if err != nil {
		return nil, err
	}
	return &Driver{cfg: cfg, engine: e, pulled: map[string]bool{}, digests: map[string]string{}}, nil
}

// Name returns "docker".
func (d *Driver) Name() string { return "docker" }

// ours selects what this node has made, and of it what belongs to a task if taskID is
// not empty.
func (d *Driver) ours(taskID string) client.Filters {
	f := make(client.Filters).Add("label", labelNode+"="+d.cfg.Node)
	if taskID != "" {
		f.Add("label", labelTask+"="+taskID)
	}
	return f
}

// containerName returns the name of a container on the engine. It follows from the task and
// the container. So a container that was created just before this process was killed is
// found, and not created twice.
func containerName(s *runner.Spec, container string) string {
	plain := func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return -1
	}
	sum := sha256.Sum256([]byte(s.Task.ID + "/" + container))
	return fmt.Sprintf("ecs-%s-%d-%s-%s", s.Definition.Family, s.Definition.Revision,
		strings.Map(plain, container), hex.EncodeToString(sum[:10]))
}

// taskDir returns the folder of a task. Its existence means that the task was prepared.
func (d *Driver) taskDir(taskID string) string {
	return filepath.Join(d.cfg.Dir, "tasks", taskID)
}
