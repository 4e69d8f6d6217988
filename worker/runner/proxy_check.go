package runner

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"
)

// proxyCheckTimeout limits a health check of a proxy.
const proxyCheckTimeout = 4 * time.Second

// CheckProxy is the hidden command with which the container of a proxy checks its health: it
// asks the admin interface of Envoy, at a socket, whether it is ready. It returns the exit
// code.
func CheckProxy(args []string) int {
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "the command is started by the program itself")
		return 1
	}
	if err := proxyReady(args[0]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func proxyReady(socket string) error {
	client := http.Client{Timeout: proxyCheckTimeout, Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	resp, err := client.Get("http://envoy/ready")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the proxy is not ready: %s", resp.Status)
	}
	return nil
}
