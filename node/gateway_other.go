//go:build !linux

package node

import "errors"

func bindToDevice(int, string) error { return errors.New("tasks need Linux") }
