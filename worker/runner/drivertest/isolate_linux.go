package drivertest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// isolated is set in the process that Isolate starts.
const isolated = "CAIRN_TEST_ISOLATED"

// Isolate runs the tests of a package again in network, mount and process namespaces
// of their own, so that they change nothing on the machine and leave nothing behind.
// It is called by TestMain before anything else, and returns in the process within the
// namespaces, or if the tests do not run as root and so cannot have any.
func Isolate() {
	if os.Geteuid() != 0 {
		return
	}
	if os.Getenv(isolated) != "" {
		if err := enter(); err != nil {
			fmt.Fprintln(os.Stderr, "namespaces of the tests:", err)
			os.Exit(1)
		}
		return
	}
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), isolated+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWNET | unix.CLONE_NEWNS | unix.CLONE_NEWPID, Pdeathsig: unix.SIGKILL,
	}
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		os.Exit(exit.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "namespaces of the tests:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// enter makes the namespaces usable.
func enter() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return err
	}
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return err
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}
