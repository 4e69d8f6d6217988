package node

import "github.com/coreos/go-systemd/v22/daemon"

// notify informs the service manager about a change of state. If that fails, the
// node serves nevertheless.
func (n *Node) notify(state string) {
	send := n.cfg.Notify
	if send == nil {
		send = notifySystemd
	}
	if err := send(state); err != nil {
		n.log.Warn("service manager not informed", "state", state, "error", err)
	}
}

// notifySystemd does nothing if systemd did not start this process.
func notifySystemd(state string) error {
	_, err := daemon.SdNotify(false, state)
	return err
}
