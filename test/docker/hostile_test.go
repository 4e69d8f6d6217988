package docker

import (
	"net/http"
	"os"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/test/hostile"
	"github.com/cairn-discovery/cairn/worker/runner/docker/enginetest"
	"github.com/cairn-discovery/cairn/worker/runner/drivertest"
)

// TestHostileDefinitions: see package hostile.
func TestHostileDefinitions(t *testing.T) {
	e := enginetest.Need(t)
	program, err := os.ReadFile(drivertest.Build(t))
	if err != nil {
		t.Fatal(err)
	}
	e.LoadFiles(t, "program:1", nil, map[string][]byte{"program": program})
	n := newNode(t, e)
	client := http.Client{Timeout: 30 * time.Second}
	hostile.Check(t, &hostile.Node{
		Call:    func(operation string, in object) (object, error) { return n.try("ecs:"+operation, in) },
		Image:   "program:1",
		DataDir: n.data,
		Reached: func(address string) error {
			resp, err := client.Get("http://" + address + "/")
			if err != nil {
				return err
			}
			return resp.Body.Close()
		},
	})
}
