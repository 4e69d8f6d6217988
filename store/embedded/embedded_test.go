package embedded_test

import (
	"testing"

	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/embedded"
	"github.com/cairn-discovery/cairn/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Opener {
		dir := t.TempDir()
		return func() (store.Store, error) {
			return embedded.Open(embedded.Config{Dir: dir, SegmentSize: 64 << 10})
		}
	})
}
