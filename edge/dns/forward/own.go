package forward

import (
	"sync"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// own are our queries that are on their way, by id and question.
type own struct {
	mu      sync.Mutex
	queries map[string]int
}

const maxOwnKey = 2 + dnswire.MaxName + 4

func newOwn() *own { return &own{queries: map[string]int{}} }

// sent takes note of a query; the function it returns ends that.
func (o *own) sent(query *query) (arrived func()) {
	key := string(appendOwnKey(nil, query.id, query.question()))
	o.mu.Lock()
	defer o.mu.Unlock()
	o.queries[key]++
	return func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.queries[key]--; o.queries[key] == 0 {
			delete(o.queries, key)
		}
	}
}

func appendOwnKey(key []byte, id uint16, question []byte) []byte {
	return append(append(key, byte(id>>8), byte(id)), question...)
}

// Own says whether a query that reached the server, with this id and this
// question section, is one of the Resolver's own: then an upstream leads back
// here, and to forward the query again would go on for ever. It should be
// refused.
//
// Loops through other resolvers are not seen here, since those send queries of
// their own. They end by themselves: the second time around the question joins
// the flight that caused it, and so is not sent again.
func (r *Resolver) Own(id uint16, question []byte) bool {
	if len(question) > maxOwnKey-2 {
		return false
	}
	var room [maxOwnKey]byte
	key := appendOwnKey(room[:0], id, question)
	r.own.mu.Lock()
	defer r.own.mu.Unlock()
	return r.own.queries[string(key)] > 0
}
