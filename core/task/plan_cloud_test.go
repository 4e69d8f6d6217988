package task

import (
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
)

// A registration whose Cloud Map service was never found has no id: the first look-up of
// a plan is for it.
func TestCloudServiceOfNoService(t *testing.T) {
	p := &plan{cloud: new(registry.State), cloudCache: map[cloudKey]*cloudView{}}
	for range 2 {
		if v := p.cloudService(&Registration{}); v == nil || v.Service != nil {
			t.Errorf("%+v, want a view without a service", v)
		}
	}
}
