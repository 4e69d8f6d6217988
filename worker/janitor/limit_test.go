package janitor_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/memory"
)

// small is a store that takes few operations in a transaction, as etcd does.
type small struct{ *memory.Store }

const smallLimit = 20

func (s small) Limits() store.Limits {
	return store.Limits{Writes: smallLimit, Preconditions: smallLimit, Bytes: 1 << 20}
}

func (s small) Commit(ctx context.Context, txn store.Txn) (store.Revision, error) {
	cost := 0
	for _, p := range txn.Preconditions {
		cost += p.Cost()
	}
	if n := max(len(txn.Writes), cost); n > smallLimit {
		return 0, &store.SizeError{Have: n, Limit: smallLimit, Setting: "the test"}
	}
	return s.Store.Commit(ctx, txn)
}

// TestManyAtOnce: leases that end together, and operations that are old, are more than the
// store takes in one transaction.
func TestManyAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := start(t, small{memory.New()})
		defer w.stop()
		w.setUp()
		for i := range 5 * smallLimit {
			w.do(&registry.RegisterInstance{ServiceRef: string(w.service), ID: registry.InstanceID(fmt.Sprint(i)), Attributes: map[string]string{"cairn.ttl": "16"}})
		}
		count := func() (instances, operations int) {
			synctest.Wait()
			c := w.replica.Current().Registry.Counts()
			return c.Instances, c.Operations
		}
		time.Sleep(time.Minute)
		if n, _ := count(); n != 0 {
			t.Errorf("%d instances are left a minute later", n)
		}
		time.Sleep(25 * time.Hour)
		if _, n := count(); n != 0 {
			t.Errorf("%d operations are left a day later", n)
		}
	})
}
