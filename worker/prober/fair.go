package prober

import "container/heap"

// accountShare is how many times as many probes as are free one account may have
// running: with 4 an account alone can use four fifths of all.
const accountShare = 4

// account is the services of one account whose checks are due.
//
// Probes are shared fairly by account first, then by service. Accounts take turns,
// and so do the services of one: that shares the rate. Two dynamic thresholds
// (Choudhury and Hahne, IEEE/ACM Transactions on Networking 6(2), 1998) share the
// probes that run. An account may have running at most accountShare times as many
// as are free; so n accounts whose checks all hang leave 1/(4n+1) of all probes
// free for the next. And a service may have running at most as many as its account
// may still start; so n services whose checks all hang leave 1/(n+1) of what the
// account may use for its next service.
type account struct {
	running int // probes
	waiting bool
	ready   queue[*group] // services with checks that are due, in turn
	blocked groupHeap     // services that have as many running as they may
}

// allowance returns how many more probes an account may start if nothing else
// changes. The last free probe is for accounts that have none running.
func (l *loop) allowance(a *account) int {
	free := l.p.cfg.MaxProbes - l.running
	more := (accountShare*(free-1) - a.running) / (accountShare + 1) // each start makes one less free
	if a.running == 0 {
		return min(max(more, 1), free)
	}
	return max(more, 0)
}

// next returns the service whose turn it is to start a probe, or nil. It stays in
// front until taken.
func (a *account) next(allowance int) *group {
	for len(a.blocked) > 0 && a.blocked[0].running < allowance {
		g := heap.Pop(&a.blocked).(*group)
		a.ready.push(g)
	}
	for a.ready.len() > 0 {
		g := a.ready.first()
		switch {
		case g.next() == nil:
			a.ready.pop()
			g.waiting = false
		case g.running < allowance:
			return g
		default:
			a.ready.pop()
			heap.Push(&a.blocked, g)
		}
	}
	return nil
}

// taken puts the service in front at the end of the turn.
func (a *account) taken() { a.ready.push(a.ready.pop()) }

// empty reports whether no service waits.
func (a *account) empty() bool { return a.ready.len() == 0 && len(a.blocked) == 0 }

// groupHeap has the service with the fewest running probes in front.
type groupHeap []*group

func (h groupHeap) Len() int           { return len(h) }
func (h groupHeap) Less(i, j int) bool { return h[i].running < h[j].running }

func (h groupHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].blockedAt, h[j].blockedAt = i, j
}

// Push and Pop are for container/heap.
func (h *groupHeap) Push(x any) {
	g := x.(*group)
	g.blockedAt = len(*h)
	*h = append(*h, g)
}

func (h *groupHeap) Pop() any {
	old := *h
	g := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	g.blockedAt = -1
	return g
}

// released notes that a probe of a service has ended.
func (l *loop) released(g *group) {
	l.running--
	g.account.running--
	if g.running--; g.blockedAt >= 0 {
		heap.Fix(&g.account.blocked, g.blockedAt)
	}
}

// queue is a first-in-first-out queue.
type queue[T any] struct {
	items []T
	head  int
}

func (q *queue[T]) len() int { return len(q.items) - q.head }

func (q *queue[T]) first() T { return q.items[q.head] }

func (q *queue[T]) push(x T) { q.items = append(q.items, x) }

func (q *queue[T]) pop() T {
	x := q.items[q.head]
	var none T
	q.items[q.head] = none
	q.head++
	switch {
	case q.head == len(q.items):
		q.items, q.head = q.items[:0], 0
	case q.head > 64 && q.head > len(q.items)/2:
		q.items = append(q.items[:0:0], q.items[q.head:]...)
		q.head = 0
	}
	return x
}
