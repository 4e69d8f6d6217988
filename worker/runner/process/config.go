// Package process is a driver of worker/runner for Linux that needs no container
// engine. A task has its own network namespace with an address on a bridge of its
// subnet; a container has its own process, mount, host name and IPC namespaces and a
// control group.
//
// Each container is watched by a shim: the program itself, started with a hidden
// command. The shim is process 1 of the container's process namespace. It starts the
// command of the container, collects its output, runs its health check, and writes its
// exit code to a file. It lives longer than the program, and when it ends, the kernel
// ends everything in the container.
//
// The driver keeps all that it knows in files of Config.RunDir, so a program that starts
// again finds it there.
package process

import (
	"log/slog"
	"net/netip"
)

// ShimCommand and InitCommand are the hidden commands with which the program starts
// itself: the shim of a container, and the first stage of a process in a container.
const (
	ShimCommand = "runner-shim"
	InitCommand = "runner-init"
)

// imageHost is the image that is the host's own root file system.
const imageHost = "host"

// Config is what a Driver needs. RunDir, DataDir and Logger are required.
type Config struct {
	// RunDir has the files of running tasks. It has to be on a file system that a restart
	// of the machine empties, such as /run. Its path has to be short, because it contains a
	// socket.
	RunDir string
	// Owner is the folder without which RunDir is of no use: the data folder of the
	// program. Others is the folder that has the RunDir of each program of this machine.
	// Run removes what programs have left there that do not run and whose Owner does not
	// exist any more. Others empty: it looks for nothing.
	Owner, Others string
	// DataDir has the volumes and the changed files of containers.
	DataDir string
	// Images are the images besides "host".
	Images map[string]Image
	// Hidden are folders and files of the host that no container sees: those of the
	// program itself.
	Hidden []string
	// HostPaths are the folders that volumes may mount. Nil: all but those of the
	// system and Hidden.
	HostPaths []string
	// Privileged allows containers that are privileged, have devices of the host, add
	// capabilities that reach the host, or share its process or IPC namespace.
	Privileged bool
	// NoCgroups runs containers without limits of CPU, memory and processes.
	NoCgroups bool
	// CgroupParent is the control group, relative to the root of the hierarchy, below
	// which those of tasks are made. Empty means "cairn".
	CgroupParent string
	// MaxPIDs is how many processes and threads a container may have. 0 means 4096.
	MaxPIDs int
	// Bridge has the addresses of containers in bridge mode; the first one is the
	// host's. The zero value means 172.30.0.0/16.
	Bridge netip.Prefix
	// NoOutbound leaves out the address translation that lets tasks reach networks
	// outside this machine.
	NoOutbound bool
	// Forbidden are ports of this machine that no task may reach, such as that of the
	// admin listener.
	Forbidden []uint16
	Logger    *slog.Logger
}

// Image is the root file system of containers.
type Image struct {
	// Root is a folder, or "host".
	Root string
	// Command is used if the container has neither an entry point nor a command.
	Command []string
}
