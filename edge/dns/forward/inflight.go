package forward

import (
	"sync"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// inflight counts the queries to upstreams that have no answer yet, by id and
// question.
type inflight struct {
	mu      sync.Mutex
	queries map[string]int
}

const maxInflightKey = 2 + dnswire.MaxName + 4

func newInflight() *inflight { return &inflight{queries: map[string]int{}} }

// add counts a query until the function that it returns is called.
func (f *inflight) add(query *query) (done func()) {
	key := string(appendInflightKey(nil, query.id, query.question()))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries[key]++
	return func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.queries[key]--; f.queries[key] == 0 {
			delete(f.queries, key)
		}
	}
}

func appendInflightKey(key []byte, id uint16, question []byte) []byte {
	return append(append(key, byte(id>>8), byte(id)), question...)
}

// IsOwnQuery reports whether a query that the server received, with this id and
// this question section, was sent by the Resolver itself. Then an upstream
// forwards to this server, and to forward the query again would be a loop without
// end. It should be refused.
//
// A loop through other resolvers is not found here, because those send queries of
// their own. It ends by itself: the second time around the question joins the call
// that caused it, and is not sent again.
func (r *Resolver) IsOwnQuery(id uint16, question []byte) bool {
	if len(question) > maxInflightKey-2 {
		return false
	}
	var room [maxInflightKey]byte
	key := appendInflightKey(room[:0], id, question)
	r.inflight.mu.Lock()
	defer r.inflight.mu.Unlock()
	return r.inflight.queries[string(key)] > 0
}
