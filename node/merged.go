package node

import (
	"sync"
	"sync/atomic"

	"github.com/cairn-discovery/cairn/core/identity"
)

// merged is a value made from the configuration and from the identities in the
// store. It is made again when either has changed.
type merged[F, T any] struct {
	// merge makes the value. It is called by one goroutine at a time.
	merge func(file *F, stored identity.State) *T
	// stored returns the identities in the store.
	stored func() identity.State

	file   atomic.Pointer[F]
	making sync.Mutex
	latest atomic.Pointer[mergedValue[F, T]]
}

// mergedValue is a value with what it was made from.
type mergedValue[F, T any] struct {
	file   *F
	stored identity.State
	value  *T
}

// current returns the value for the present configuration and store.
func (m *merged[F, T]) current() *T {
	if v := m.upToDate(); v != nil {
		return v
	}
	m.making.Lock()
	defer m.making.Unlock()
	if v := m.upToDate(); v != nil {
		return v
	}
	file, stored := m.file.Load(), m.stored()
	value := m.merge(file, stored)
	m.latest.Store(&mergedValue[F, T]{file, stored, value})
	return value
}

// upToDate returns the latest value, or nil if something has changed since.
func (m *merged[F, T]) upToDate() *T {
	v := m.latest.Load()
	if v == nil || v.file != m.file.Load() || v.stored != m.stored() {
		return nil
	}
	return v.value
}
