package endpoint

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

func (h *handler) containerStats(w http.ResponseWriter, v *view) {
	stats, err := h.stats(v.request.Context(), v.asking, v.runtimeID(v.asking))
	if err != nil {
		notFound(w, "the statistics of the container are not there")
		return
	}
	reply(w, stats)
}

// runtimeID returns the id that a container has on the node.
func (v *view) runtimeID(name string) string {
	for _, c := range v.task.Containers {
		if c.Name == name {
			return c.RuntimeID
		}
	}
	return ""
}

func (h *handler) taskStats(w http.ResponseWriter, v *view) {
	all := map[string]map[string]json.RawMessage{}
	for _, c := range v.task.Containers {
		if stats, err := h.stats(v.request.Context(), c.Name, c.RuntimeID); err == nil {
			all[c.RuntimeID] = stats
		}
	}
	reply(w, all)
}

// sample is what is kept of statistics of a container.
type sample struct {
	Read     time.Time       `json:"read"`
	CPU      json.RawMessage `json:"cpu_stats"`
	Networks map[string]struct {
		RxBytes uint64 `json:"rx_bytes"`
		TxBytes uint64 `json:"tx_bytes"`
	} `json:"networks"`
	runtimeID string // a container that was started again counts from 0
}

// bytes returns what all interfaces have received and sent.
func (s *sample) bytes() (rx, tx uint64) {
	for _, n := range s.Networks {
		rx, tx = rx+n.RxBytes, tx+n.TxBytes
	}
	return rx, tx
}

// networkRate is what the agent of ECS adds to the statistics of the Docker Engine.
type networkRate struct {
	Rx float64 `json:"rx_bytes_per_sec"`
	Tx float64 `json:"tx_bytes_per_sec"`
}

// leastWindow is the time between two samples that are compared.
const leastWindow = time.Second

// stats returns the statistics of a container. What compares two samples is there from the
// second request on: precpu_stats, unless the driver has it, and network_rate_stats.
func (h *handler) stats(ctx context.Context, container, runtimeID string) (map[string]json.RawMessage, error) {
	raw, err := h.cfg.Driver.Stats(ctx, h.id, container)
	if err != nil {
		return nil, err
	}
	var all map[string]json.RawMessage
	var now sample
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, &now); err != nil {
		return nil, err
	}
	now.runtimeID = runtimeID
	before, ok := h.keepSample(container, now)
	if !ok {
		return all, nil
	}
	if all["precpu_stats"] == nil {
		all["preread"], all["precpu_stats"] = encoded(before.Read), before.CPU
	}
	if rx, tx := now.bytes(); len(now.Networks) > 0 {
		oldRx, oldTx := before.bytes()
		seconds := now.Read.Sub(before.Read).Seconds()
		all["network_rate_stats"] = encoded(networkRate{rate(oldRx, rx, seconds), rate(oldTx, tx, seconds)})
	}
	return all, nil
}

func encoded(v any) json.RawMessage {
	b, _ := json.Marshal(v) // of values that can be encoded
	return b
}

// rate returns the bytes in a second. A counter that has begun again counts from 0.
func rate(before, now uint64, seconds float64) float64 {
	if now < before {
		before = 0
	}
	return float64(now-before) / seconds
}

// keepSample returns the sample before this one, and keeps this one if the other is old
// enough. ok is false if there is none that can be compared.
func (h *handler) keepSample(container string, now sample) (before sample, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	before, ok = h.samples[container]
	ok = ok && before.runtimeID == now.runtimeID
	if now.Read.IsZero() || now.CPU == nil {
		return before, false
	}
	window := now.Read.Sub(before.Read)
	if ok && window >= 0 && window < leastWindow {
		return before, window > 0
	}
	if h.samples == nil {
		h.samples = map[string]sample{}
	}
	h.samples[container] = now
	return before, ok && window > 0
}
