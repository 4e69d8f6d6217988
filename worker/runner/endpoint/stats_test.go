package endpoint

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// counter is a driver whose containers have used n seconds of CPU and sent n bytes after n
// seconds.
type counter struct {
	seconds float64
	more    string // members of the driver's own
}

func (c *counter) Listen(context.Context, string, netip.AddrPort) (net.Listener, error) {
	panic("not needed")
}

func (c *counter) Stats(context.Context, string, string) (json.RawMessage, error) {
	read := time.Unix(0, int64(c.seconds*1e9)).UTC().Format(time.RFC3339Nano)
	return fmt.Appendf(nil, `{"read":%q,"cpu_stats":{"n":%v},"networks":{"eth0":{"rx_bytes":7,"tx_bytes":%v},"eth1":{"tx_bytes":1}}%s}`, read, c.seconds, int(c.seconds), c.more), nil
}

// Clients compute the use of the CPU from cpu_stats and precpu_stats.
func TestStatsOfTwoSamples(t *testing.T) {
	for _, test := range []struct {
		name    string
		seconds []float64
		started int // the request before which the container was started again
		more    string
		want    map[string]any // of the last request, without what the driver gives
	}{
		{"first request", []float64{5}, 0, "", map[string]any{}},
		{"second request", []float64{10, 20}, 0, "", map[string]any{
			"preread": "1970-01-01T00:00:10Z", "precpu_stats": map[string]any{"n": 10.},
			"network_rate_stats": map[string]any{"rx_bytes_per_sec": 0., "tx_bytes_per_sec": 1.},
		}},
		{"short time", []float64{10, 20, 20.5, 20.75}, 0, "", map[string]any{
			"preread": "1970-01-01T00:00:20Z", "precpu_stats": map[string]any{"n": 20.},
			"network_rate_stats": map[string]any{"rx_bytes_per_sec": 0., "tx_bytes_per_sec": 0.},
		}},
		{"the same sample", []float64{10, 10}, 0, "", map[string]any{}},
		{"the clock went back", []float64{10, 4}, 0, "", map[string]any{}},
		{"container that was started again", []float64{10, 20}, 1, "", map[string]any{}},
		{"precpu_stats of the driver", []float64{10, 20}, 0, `,"precpu_stats":1`, map[string]any{
			"precpu_stats": 1., "network_rate_stats": map[string]any{"rx_bytes_per_sec": 0., "tx_bytes_per_sec": 1.},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := &counter{more: test.more}
			h := &handler{Server: &Server{cfg: Config{Driver: c}}, id: "t"}
			var got map[string]any
			for i, s := range test.seconds {
				c.seconds = s
				id := "r"
				if test.started > 0 && i >= test.started {
					id = "s"
				}
				all, err := h.stats(t.Context(), "app", id)
				if err != nil {
					t.Fatal(err)
				}
				text, err := json.Marshal(all)
				if err != nil {
					t.Fatal(err)
				}
				got = nil
				if err := json.Unmarshal(text, &got); err != nil {
					t.Fatal(err)
				}
			}
			for _, own := range []string{"read", "cpu_stats", "networks"} {
				if got[own] == nil {
					t.Errorf("no %s", own)
				}
				delete(got, own)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
