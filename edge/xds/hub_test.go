package xds_test

import (
	"sync/atomic"
	"testing"

	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/edge/xds"
	"github.com/cairn-discovery/cairn/edge/xds/resource"
	"github.com/cairn-discovery/cairn/edge/xds/resource/plain"
)

// counted counts how often it has compared two states.
type counted struct {
	plain.Source
	times *atomic.Int64
}

func (c *counted) Changes(old, new *state.State, changed func(resource.Dep)) {
	c.times.Add(1)
	c.Source.Changes(old, new, changed)
}

// TestNoClientNoWork: states are compared only while a client follows something, so writes
// on a node without clients of xDS cost nothing here.
func TestNoClientNoWork(t *testing.T) {
	var times atomic.Int64
	w, _, web, _ := shop(t, func(c *xds.Config) {
		c.Sources = []resource.Source{&counted{plain.Source{Region: "eu-west-1"}, &times}}
	})
	c := w.connect(node("envoy", "web.shop"))
	c.want(resource.Endpoints, "web.shop")
	c.expect(resource.Endpoints, "web.shop")
	if n := times.Load(); n != 0 {
		t.Errorf("compared %d times before there was a client", n)
	}
	w.register(web, "w2", "10.0.0.2", 80)
	c.expect(resource.Endpoints, "web.shop")
	if times.Load() == 0 {
		t.Error("never compared with a client")
	}
}
