//go:build linux

package process

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// user is who a process runs as.
type user struct {
	uid, gid int
	groups   []int
	home     string
}

// findUser resolves "user", "user:group" or ids in the files of the container.
func findUser(text string) (*user, error) {
	who, group, hasGroup := strings.Cut(text, ":")
	u := &user{home: "/"}
	if who == "" {
		who = "0"
	}
	uid, numeric := number32(who)
	entry := lookUp("/etc/passwd", func(f []string) bool {
		return len(f) >= 6 && (f[0] == who || numeric && f[2] == who)
	})
	switch {
	case entry != nil:
		var okUID, okGID bool
		u.uid, okUID = number32(entry[2])
		u.gid, okGID = number32(entry[3])
		if !okUID || !okGID {
			return nil, fmt.Errorf("user %q: /etc/passwd has no valid ids for it", who)
		}
		u.home = entry[5]
		u.groups = groupsOf(entry[0])
	case numeric:
		u.uid = uid
	default:
		return nil, fmt.Errorf("unable to find user %s: no matching entries in passwd file", who)
	}
	if !hasGroup {
		return u, nil
	}
	u.groups = nil
	gid, numeric := number32(group)
	entry = lookUp("/etc/group", func(f []string) bool { return len(f) >= 3 && f[0] == group })
	if entry != nil {
		gid, numeric = number32(entry[2])
	}
	if !numeric {
		return nil, fmt.Errorf("unable to find group %s: no matching entries in group file", group)
	}
	u.gid = gid
	return u, nil
}

func number32(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil
}

// maxAccounts bounds how much of /etc/passwd and /etc/group is read.
const maxAccounts = 4 << 20

// lookUp returns the fields of the first line that matches.
func lookUp(file string, match func([]string) bool) []string {
	var found []string
	scan(file, func(fields []string) bool {
		if match(fields) {
			found = fields
		}
		return found == nil
	})
	return found
}

func scan(file string, each func([]string) bool) {
	f, err := os.Open(file)
	if err != nil {
		return
	}
	defer f.Close()
	s := bufio.NewScanner(io.LimitReader(f, maxAccounts))
	for s.Scan() && each(strings.Split(s.Text(), ":")) {
	}
}

// groupsOf returns the supplementary groups of a user.
func groupsOf(name string) []int {
	var all []int
	scan("/etc/group", func(f []string) bool {
		if len(f) >= 4 && slices.Contains(strings.Split(f[3], ","), name) {
			if gid, ok := number32(f[2]); ok {
				all = append(all, gid)
			}
		}
		return true
	})
	return all
}

// become changes to the user.
func (u *user) become() error {
	if err := unix.Setgroups(u.groups); err != nil {
		return fmt.Errorf("groups: %w", err)
	}
	if err := unix.Setresgid(u.gid, u.gid, u.gid); err != nil {
		return fmt.Errorf("group: %w", err)
	}
	if err := unix.Setresuid(u.uid, u.uid, u.uid); err != nil {
		return fmt.Errorf("user: %w", err)
	}
	return nil
}

// environment adds HOME and PATH where they are missing.
func (u *user) environment(env []string) []string {
	add := func(name, value string) {
		has := slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
		if !has {
			env = append(slices.Clip(env), name+"="+value)
		}
	}
	add("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	add("HOME", u.home)
	return env
}

// capabilities returns the numbers of capabilities(7) by name, without CAP_.
func capabilities() map[string]uintptr {
	return map[string]uintptr{
		"CHOWN": unix.CAP_CHOWN, "DAC_OVERRIDE": unix.CAP_DAC_OVERRIDE, "DAC_READ_SEARCH": unix.CAP_DAC_READ_SEARCH,
		"FOWNER": unix.CAP_FOWNER, "FSETID": unix.CAP_FSETID, "KILL": unix.CAP_KILL, "SETGID": unix.CAP_SETGID,
		"SETUID": unix.CAP_SETUID, "SETPCAP": unix.CAP_SETPCAP, "LINUX_IMMUTABLE": unix.CAP_LINUX_IMMUTABLE,
		"NET_BIND_SERVICE": unix.CAP_NET_BIND_SERVICE, "NET_BROADCAST": unix.CAP_NET_BROADCAST, "NET_ADMIN": unix.CAP_NET_ADMIN,
		"NET_RAW": unix.CAP_NET_RAW, "IPC_LOCK": unix.CAP_IPC_LOCK, "IPC_OWNER": unix.CAP_IPC_OWNER,
		"SYS_MODULE": unix.CAP_SYS_MODULE, "SYS_RAWIO": unix.CAP_SYS_RAWIO, "SYS_CHROOT": unix.CAP_SYS_CHROOT,
		"SYS_PTRACE": unix.CAP_SYS_PTRACE, "SYS_PACCT": unix.CAP_SYS_PACCT, "SYS_ADMIN": unix.CAP_SYS_ADMIN,
		"SYS_BOOT": unix.CAP_SYS_BOOT, "SYS_NICE": unix.CAP_SYS_NICE, "SYS_RESOURCE": unix.CAP_SYS_RESOURCE,
		"SYS_TIME": unix.CAP_SYS_TIME, "SYS_TTY_CONFIG": unix.CAP_SYS_TTY_CONFIG, "MKNOD": unix.CAP_MKNOD, "LEASE": unix.CAP_LEASE,
		"AUDIT_WRITE": unix.CAP_AUDIT_WRITE, "AUDIT_CONTROL": unix.CAP_AUDIT_CONTROL, "SETFCAP": unix.CAP_SETFCAP,
		"MAC_OVERRIDE": unix.CAP_MAC_OVERRIDE, "MAC_ADMIN": unix.CAP_MAC_ADMIN, "SYSLOG": unix.CAP_SYSLOG,
		"WAKE_ALARM": unix.CAP_WAKE_ALARM, "BLOCK_SUSPEND": unix.CAP_BLOCK_SUSPEND, "AUDIT_READ": unix.CAP_AUDIT_READ,
		"PERFMON": unix.CAP_PERFMON, "BPF": unix.CAP_BPF, "CHECKPOINT_RESTORE": unix.CAP_CHECKPOINT_RESTORE,
	}
}

// defaultCapabilities are those of a container that asks for nothing else: Docker's,
// without MKNOD, because there is no control of devices here.
func defaultCapabilities() []string {
	return []string{
		"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE", "NET_RAW",
		"SYS_CHROOT", "AUDIT_WRITE", "SETFCAP",
	}
}

// reachesHost are capabilities with which a process can get out of its container.
func reachesHost(name string) bool {
	return slices.Contains([]string{
		"ALL", "DAC_READ_SEARCH", "MKNOD", "SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "SYS_TIME",
		"MAC_ADMIN", "MAC_OVERRIDE", "BPF", "PERFMON", "SYSLOG", "CHECKPOINT_RESTORE", "AUDIT_CONTROL",
	}, name)
}

// dropCapabilities removes all but the named capabilities from what the process, and
// what it starts, can ever have.
func dropCapabilities(keep []string) error {
	numbers := capabilities()
	var kept uint64
	for _, name := range keep {
		kept |= 1 << numbers[name]
	}
	for n := range uintptr(64) {
		if kept&(1<<n) != 0 {
			continue
		}
		err := unix.Prctl(unix.PR_CAPBSET_DROP, n, 0, 0, 0)
		if errors.Is(err, unix.EINVAL) {
			break // the kernel has no more
		}
		if err != nil {
			return fmt.Errorf("capabilities: %w", err)
		}
	}
	// The bounding set limits what exec gives to root. Nothing is inherited besides.
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	data[0].Inheritable, data[1].Inheritable = 0, 0
	if err := unix.Capset(&header, &data[0]); err != nil {
		return fmt.Errorf("capabilities: %w", err)
	}
	return unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
}
