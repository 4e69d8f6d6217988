package node

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/node/config"
)

// A name may resolve to anything, so the real address is judged again.
func TestListenJudgesTheRealAddress(t *testing.T) {
	c := config.Default()
	c.APIAddr = "0.0.0.0:0"
	_, err := listenTCP(t.Context(), &c, "api_addr", c.APIAddr)
	if err == nil || !strings.Contains(err.Error(), `api_addr: "0.0.0.0:0" is reachable from other machines`) {
		t.Errorf("listenTCP() = %v", err)
	}
	ln, err := listenTCP(t.Context(), &c, "api_addr", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
}
