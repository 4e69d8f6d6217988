// Package buildinfo tells which build of the program is running, from what the
// Go toolchain recorded in it.
package buildinfo

import (
	"cmp"
	"runtime"
	"runtime/debug"
)

// Info describes a build.
type Info struct {
	// Version is the module's version, or devel for a build from a checkout.
	Version string
	// Revision is the commit, with +dirty when files had changed. It is
	// unknown for a build outside a repository.
	Revision string
	// Go is the toolchain's version.
	Go string
}

// Read returns the running program's Info.
func Read() Info {
	build, ok := debug.ReadBuildInfo()
	if !ok {
		build = &debug.BuildInfo{}
	}
	return from(build)
}

func from(build *debug.BuildInfo) Info {
	settings := map[string]string{}
	for _, s := range build.Settings {
		settings[s.Key] = s.Value
	}
	info := Info{
		Version:  build.Main.Version,
		Revision: cmp.Or(settings["vcs.revision"], "unknown"),
		Go:       runtime.Version(),
	}
	if info.Version == "" || info.Version == "(devel)" {
		info.Version = "devel"
	}
	if settings["vcs.modified"] == "true" {
		info.Revision += "+dirty"
	}
	return info
}
