package connlimit

import "container/heap"

// queue has connections without work. The first one is replaced first: connections
// that are not authenticated come before the others, and of these the idlest. It is a
// heap, so that the first is found without a look at all.
type queue struct {
	conns []*Conn
	slot  int // in Conn.place
}

// The slots of the queues that a connection is in.
const (
	inAll    = iota // of all clients
	inClient        // of its client
	slots
)

// absent is the place of a connection that is not in a queue.
const absent = -1

func (q *queue) Len() int { return len(q.conns) }

func (q *queue) Less(i, j int) bool {
	a, b := q.conns[i], q.conns[j]
	if a.authenticated != b.authenticated {
		return b.authenticated
	}
	return a.recorded < b.recorded
}

func (q *queue) Swap(i, j int) {
	q.conns[i], q.conns[j] = q.conns[j], q.conns[i]
	q.conns[i].place[q.slot], q.conns[j].place[q.slot] = i, j
}

// Push implements heap.Interface.
func (q *queue) Push(x any) {
	c := x.(*Conn)
	c.place[q.slot] = len(q.conns)
	q.conns = append(q.conns, c)
}

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(q.conns) - 1
	c := q.conns[last]
	q.conns[last] = nil
	q.conns = q.conns[:last]
	c.place[q.slot] = absent
	return c
}

func (q *queue) first() *Conn {
	if len(q.conns) == 0 {
		return nil
	}
	return q.conns[0]
}

func (q *queue) remove(c *Conn) {
	if at := c.place[q.slot]; at != absent {
		heap.Remove(q, at)
	}
}

// fix restores the order after the keys of c have changed.
func (q *queue) fix(c *Conn) {
	if at := c.place[q.slot]; at != absent {
		heap.Fix(q, at)
	}
}
