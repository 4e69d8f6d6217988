//go:build linux

package process

import (
	"fmt"
	"net"
	"testing"

	"github.com/cairn-discovery/cairn/core/task"
)

// A container in host mode does not start if another program listens on its port.
func TestHostPortsFree(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := int64(ln.Addr().(*net.TCPAddr).Port)
	mapped := []task.PortMapping{{ContainerPort: &port}}
	want := fmt.Sprintf("port %d/tcp of this node is in use", port)
	if err := hostPortsFree(mapped); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	ln.Close()
	if err := hostPortsFree(mapped); err != nil {
		t.Error(err)
	}
	if err := hostPortsFree([]task.PortMapping{{}}); err != nil {
		t.Errorf("a range of ports: %v", err)
	}
}
