//go:build linux

package process

import "time"

// containerSpec is what the driver tells a shim. The shim deletes the file after it has
// read it, because the environment may have secrets.
type containerSpec struct {
	Task string `json:"task"`
	// Events is the socket that takes the id of the task after each change.
	Events string `json:"events"`
	// Namespace is the file of the network namespace. Empty: that of the host.
	Namespace string `json:"namespace,omitempty"`
	// HostPID leaves the container in the process namespace of the host.
	HostPID bool `json:"hostPid,omitempty"`
	HostIPC bool `json:"hostIpc,omitempty"`
	// Cgroups are the files that take the id of a process of the container.
	Cgroups []string `json:"cgroups,omitempty"`
	// OOMFile counts kills because of the memory limit.
	OOMFile string      `json:"oomFile,omitempty"`
	Log     logSpec     `json:"log"`
	Health  *healthSpec `json:"health,omitempty"`
	Init    initSpec    `json:"init"`
}

// logSpec is where output goes. No file: nowhere.
type logSpec struct {
	File     string `json:"file,omitempty"`
	MaxBytes int64  `json:"maxBytes,omitempty"`
	MaxFiles int    `json:"maxFiles,omitempty"`
}

// healthSpec is a health check with its defaults filled in.
type healthSpec struct {
	Command     []string      `json:"command"`
	Interval    time.Duration `json:"interval"`
	Timeout     time.Duration `json:"timeout"`
	Retries     int           `json:"retries"`
	StartPeriod time.Duration `json:"startPeriod"`
}

// initSpec is what the first stage of a process needs: the root file system, and with
// what the command runs.
type initSpec struct {
	// Root is an empty folder on which the root file system is made.
	Root string `json:"root"`
	// Image is "host" or the folder of an image.
	Image string `json:"image"`
	// Layer is the folder for changed files, and for the folders that mounts need. It is
	// empty for image "host".
	Layer    string   `json:"layer,omitempty"`
	ReadOnly bool     `json:"readOnly,omitempty"`
	Hidden   []string `json:"hidden,omitempty"`
	// Mounts are in the order in which they are made.
	Mounts     []mountSpec `json:"mounts,omitempty"`
	Devices    []mountSpec `json:"devices,omitempty"`
	SharedSize int64       `json:"sharedSize"` // of /dev/shm in bytes
	Hostname   string      `json:"hostname,omitempty"`
	Privileged bool        `json:"privileged,omitempty"`

	Args       []string          `json:"args"`
	Env        []string          `json:"env"`
	Dir        string            `json:"dir,omitempty"`
	User       string            `json:"user,omitempty"`
	Caps       []string          `json:"caps,omitempty"`
	Rlimits    []rlimitSpec      `json:"rlimits,omitempty"`
	Sysctls    map[string]string `json:"sysctls,omitempty"`
	NoNewPrivs bool              `json:"noNewPrivs,omitempty"`

	// Join is the id of a process whose mount namespace is used as it is: for health
	// checks. 0: a new root file system is made.
	Join    int      `json:"join,omitempty"`
	Cgroups []string `json:"cgroups,omitempty"`
}

// mountSpec is a mount below the root of a container.
type mountSpec struct {
	// Source is a file or folder of the host. Empty: a file system in memory.
	Source   string   `json:"source,omitempty"`
	Target   string   `json:"target"`
	ReadOnly bool     `json:"readOnly,omitempty"`
	Size     int64    `json:"size,omitempty"`    // of a file system in memory
	Options  []string `json:"options,omitempty"` // of a file system in memory
	// Trusted sources were made by the driver and are not checked.
	Trusted bool `json:"trusted,omitempty"`
}

type rlimitSpec struct {
	Resource int    `json:"resource"`
	Soft     uint64 `json:"soft"`
	Hard     uint64 `json:"hard"`
}
