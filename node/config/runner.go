package config

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"regexp"
)

// The values of Runner.Driver.
const (
	RunnerNone    = "none"
	RunnerProcess = "process"
	RunnerDocker  = "docker"
)

// Values of Runner.Envoy that are no path.
const (
	EnvoyAuto = "auto"
	EnvoyNone = "none"
)

// Runner is how this node runs the tasks of ECS; see docs/ecs.md.
type Runner struct {
	// Driver is `none`, `process` (namespaces and control groups of Linux; needs root)
	// or `docker` (the Docker Engine). With none the API is there, and tasks wait for
	// another node.
	Driver string `yaml:"driver" check:"oneof=none process docker" flag:"none|process|docker" flagname:"runner" usage:"what runs the tasks of ECS on this node"`
	// Zone is the availability zone of the node. Left out, the region followed by "a".
	Zone string `yaml:"zone"`
	// Address is the IPv4 address by which tasks in bridge and host mode are reached.
	// Left out, an address of this machine that is not a loopback address.
	Address Addr `yaml:"address"`
	// AddressIPv6 is the IPv6 address for the same. Left out, there is none.
	AddressIPv6 Addr `yaml:"address_ipv6"`
	// Subnets give tasks in awsvpc mode their addresses. They must not be used by
	// anything else, and each node needs its own.
	Subnets []RunnerSubnet `yaml:"subnets"`
	// DefaultSubnet gives addresses to tasks that name no subnet of the list. Its id is
	// not used. An empty cidr: such tasks do not run on this node.
	DefaultSubnet RunnerSubnet `yaml:"default_subnet"`
	// BridgeCIDR has the addresses of containers in bridge mode (driver process).
	BridgeCIDR Prefix `yaml:"bridge_cidr"`
	// DNS are the resolvers of tasks. Left out, tasks in awsvpc mode ask this node, on
	// port 53 of the first address of their subnet.
	DNS []Addr `yaml:"dns"`
	// Search is the search list of tasks.
	Search []string `yaml:"search" check:"host"`
	// EndpointURL is the value of AWS_ENDPOINT_URL in tasks in awsvpc mode. Left out,
	// the API of this node, which then listens on the first address of each subnet too.
	EndpointURL string `yaml:"endpoint_url" check:"url?"`
	// Outbound lets tasks reach networks outside this machine, by address translation
	// (driver process).
	Outbound bool `yaml:"outbound"`
	// Images are the images of driver process besides "host", by name.
	Images map[string]RunnerImage `yaml:"images"`
	// CPU is what tasks of this node may reserve, in units of 1/1024 of a CPU. 0: all
	// that the machine has.
	CPU int64 `yaml:"cpu" check:"min=0"`
	// MemoryMiB is the memory that tasks of this node may reserve. 0: all that the
	// machine has.
	MemoryMiB int64 `yaml:"memory_mib" check:"min=0"`
	// Lease is how long the tasks of this node count as running after the node was last
	// heard, with a store that several nodes share. Then they leave Cloud Map, and
	// services start others elsewhere.
	Lease Duration `yaml:"lease" check:"min=3s"`
	// Parallel is how many networks and containers are made at the same time.
	Parallel int `yaml:"parallel" check:"min=1"`
	// MaxProcesses is how many processes and threads a container may have.
	MaxProcesses int `yaml:"max_processes" check:"min=1"`
	// Cgroups limits CPU, memory and processes of tasks (driver process). Without it
	// tasks run without limits.
	Cgroups bool `yaml:"cgroups"`
	// Privileged allows containers that reach the host: privileged ones, those with
	// devices, strong capabilities, or the process or IPC namespace of the host.
	Privileged bool `yaml:"privileged"`
	// HostPaths are the folders of the host that volumes may mount. Left out, all but
	// those of the system and of this program.
	HostPaths []string `yaml:"host_paths"`
	// SecretFolders are the folders whose files secrets may name as file:PATH.
	SecretFolders []string `yaml:"secret_folders"`
	// SecretVariables are the environment variables of this program that secrets may
	// name as env:NAME.
	SecretVariables []string `yaml:"secret_variables"`
	// EnvironmentFiles is the folder of environment files: the object
	// arn:aws:s3:::BUCKET/KEY is the file BUCKET/KEY in it.
	EnvironmentFiles string `yaml:"environment_files" path:"file"`
	// LogMaxBytes is the size at which a log of a container is full and a new file
	// begins. The logs are in the folder runner/logs of data_dir.
	LogMaxBytes int64 `yaml:"log_max_bytes" check:"min=4096"`
	// LogMaxFiles is how many files of a container's log are kept.
	LogMaxFiles int `yaml:"log_max_files" check:"min=1"`
	// LogRetention is how long logs are kept that are not written any more. 0s: without a limit.
	LogRetention Duration `yaml:"log_retention" check:"min=0s"`
	// Envoy is the program that runs as the proxy of Service Connect in each task of a
	// service that uses it (driver process): an absolute path, `auto` for the program envoy
	// of the PATH, if there is one, or `none`.
	Envoy string `yaml:"envoy" check:"notempty"`
	// Docker is for driver docker.
	Docker DockerEngine `yaml:"docker"`
}

// DockerEngine is how driver docker uses the Docker Engine.
type DockerEngine struct {
	// Socket is the Unix socket of the Docker Engine, which has to run on this machine.
	Socket string `yaml:"socket" check:"notempty"`
	// Pull is when images are pulled: `prefer-cached` (if the engine does not have the
	// image), `always`, `once` (for the first task after the start of this program) or
	// `never`.
	Pull string `yaml:"pull" check:"oneof=prefer-cached always once never"`
	// RegistryAuth is a file with the credentials of registries, as `docker login` writes
	// it. Helpers for credentials are not used. Left out, there are none.
	RegistryAuth string `yaml:"registry_auth" path:"file"`
}

// RunnerSubnet is a network whose addresses tasks get. The first address of each
// range is the node's.
type RunnerSubnet struct {
	// ID is what network configurations name, such as subnet-abcd1234.
	ID string `yaml:"id"`
	// CIDR is the range of IPv4 addresses.
	CIDR Prefix `yaml:"cidr"`
	// CIDRIPv6 is the range of IPv6 addresses. Left out, tasks have no IPv6 address.
	CIDRIPv6 Prefix `yaml:"cidr_ipv6"`
	// VPC is the id of the VPC in which the tasks are, one of vpcs. It decides which
	// private namespaces they see. Left out, the CIDRs of vpcs decide.
	VPC string `yaml:"vpc"`
}

// RunnerImage is an image of driver process.
type RunnerImage struct {
	// Root is a folder that is the root file system, or "host".
	Root string `yaml:"root"`
	// Command runs if the container names none.
	Command []string `yaml:"command"`
}

func defaultRunner() Runner {
	return Runner{
		Driver: RunnerNone, Lease: seconds(30), Outbound: true, Parallel: 16, MaxProcesses: 4096, Cgroups: true,
		DefaultSubnet: RunnerSubnet{CIDR: mustPrefix("10.213.0.0/16")}, BridgeCIDR: mustPrefix("172.30.0.0/16"),
		Envoy: EnvoyAuto, LogMaxBytes: 10 << 20, LogMaxFiles: 5, LogRetention: seconds(7 * 24 * 3600),
		Docker: DockerEngine{Socket: "/var/run/docker.sock", Pull: "prefer-cached"},
	}
}

func (r *Runner) check(k *checker, vpcs []VPC) {
	var seen []netip.Prefix
	ids := map[string]bool{}
	for i := range r.Subnets {
		s, key := &r.Subnets[i], fmt.Sprintf("runner.subnets[%d]", i)
		switch {
		case !matches(`^[A-Za-z0-9-]{1,64}$`, s.ID) || s.ID == "default":
			k.fail(key+".id", s.ID, "must be 1 to 64 letters, digits and hyphens, such as subnet-abcd1234, and not default")
		case ids[s.ID]:
			k.fail(key+".id", s.ID, "is listed twice")
		}
		ids[s.ID] = true
		if !s.CIDR.IsValid() {
			k.fail(key+".cidr", "", "must be given")
		}
		seen = s.check(k, key, vpcs, seen)
	}
	seen = r.DefaultSubnet.check(k, "runner.default_subnet", vpcs, seen)
	bridge := RunnerSubnet{CIDR: r.BridgeCIDR}
	if r.BridgeCIDR.IsValid() {
		bridge.check(k, "runner.bridge_cidr", nil, seen)
	}
	if r.Address.IsValid() && !r.Address.Is4() {
		k.fail("runner.address", r.Address.String(), "must be an IPv4 address")
	}
	if r.AddressIPv6.IsValid() && !r.AddressIPv6.Is6() {
		k.fail("runner.address_ipv6", r.AddressIPv6.String(), "must be an IPv6 address")
	}
	r.checkPaths(k)
}

// check checks a subnet and returns the ranges that are used.
func (s *RunnerSubnet) check(k *checker, key string, vpcs []VPC, seen []netip.Prefix) []netip.Prefix {
	if p := s.CIDR; p.IsValid() && (!p.Addr().Is4() || p.Bits() < 8 || p.Bits() > 30) {
		k.fail(key+".cidr", p.String(), "must be an IPv4 range of 8 to 30 bits")
	}
	if p := s.CIDRIPv6; p.IsValid() && (!p.Addr().Is6() || p.Bits() > 96) {
		k.fail(key+".cidr_ipv6", p.String(), "must be an IPv6 range of at most 96 bits")
	}
	for _, p := range []Prefix{s.CIDR, s.CIDRIPv6} {
		if !p.IsValid() {
			continue
		}
		for _, o := range seen {
			if p.Overlaps(o) {
				k.fail(key, p.String(), "overlaps "+o.String()+", which is used by the runner too")
			}
		}
		seen = append(seen, p.Prefix)
	}
	if s.VPC != "" && !hasVPC(vpcs, s.VPC) {
		k.fail(key+".vpc", s.VPC, "must be the id of one of vpcs")
	}
	return seen
}

// cidrs returns the addresses of the tasks of this node that are in a VPC.
func (r *Runner) cidrs(vpc string) []netip.Prefix {
	if r.Driver == RunnerNone {
		return nil
	}
	var all []netip.Prefix
	for _, s := range append(r.Subnets[:len(r.Subnets):len(r.Subnets)], r.DefaultSubnet) {
		for _, p := range []Prefix{s.CIDR, s.CIDRIPv6} {
			if s.VPC == vpc && p.IsValid() {
				all = append(all, p.Masked())
			}
		}
	}
	return all
}

func hasVPC(vpcs []VPC, id string) bool {
	for _, v := range vpcs {
		if v.ID == id {
			return true
		}
	}
	return false
}

func (r *Runner) checkPaths(k *checker) {
	for key, paths := range map[string][]string{"runner.host_paths": r.HostPaths, "runner.secret_folders": r.SecretFolders} {
		for i, p := range paths {
			if !filepath.IsAbs(p) || filepath.Clean(p) != p {
				k.fail(fmt.Sprintf("%s[%d]", key, i), p, "must be an absolute path, without \"..\"")
			}
		}
	}
	if r.Envoy != EnvoyAuto && r.Envoy != EnvoyNone && !filepath.IsAbs(r.Envoy) {
		k.fail("runner.envoy", r.Envoy, "must be auto, none or an absolute path")
	}
	for name, image := range r.Images {
		switch {
		case name == "" || len(name) > 255 || name == "host":
			k.fail("runner.images", name, "must be 1 to 255 characters, and not host")
		case image.Root != "host" && (!filepath.IsAbs(image.Root) || filepath.Clean(image.Root) != image.Root):
			k.fail("runner.images."+name+".root", image.Root, "must be host or an absolute path, without \"..\"")
		}
	}
	variable := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	for i, name := range r.SecretVariables {
		if !variable.MatchString(name) {
			k.fail(fmt.Sprintf("runner.secret_variables[%d]", i), name, "must be the name of an environment variable")
		}
	}
}
