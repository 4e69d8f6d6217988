package node

import "golang.org/x/sys/unix"

func bindToDevice(fd int, network string) error { return unix.BindToDevice(fd, network) }
