package node

import "github.com/coreos/go-systemd/v22/daemon"

// notify tells the service manager about a change of state. That it cannot be
// told is no reason to stop serving.
func (n *Node) notify(state string) {
	tell := n.cfg.Notify
	if tell == nil {
		tell = notifySystemd
	}
	if err := tell(state); err != nil {
		n.log.Warn("service manager not told", "state", state, "error", err)
	}
}

// notifySystemd does nothing when systemd did not start this process.
func notifySystemd(state string) error {
	_, err := daemon.SdNotify(false, state)
	return err
}
