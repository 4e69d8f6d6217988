package prober

import "container/heap"

// schedule is a heap of idle checks, the next one due first.
type schedule []*check

func (s schedule) Len() int           { return len(s) }
func (s schedule) Less(i, j int) bool { return s[i].due < s[j].due }

func (s schedule) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].index, s[j].index = int32(i), int32(j)
}

// Push and Pop are for container/heap.
func (s *schedule) Push(x any) {
	c := x.(*check)
	c.index = int32(len(*s))
	*s = append(*s, c)
}

func (s *schedule) Pop() any {
	old := *s
	c := old[len(old)-1]
	old[len(old)-1] = nil
	*s = old[:len(old)-1]
	c.index = -1
	return c
}

// set puts a check into the schedule, or moves it there.
func (s *schedule) set(c *check, due int64) {
	c.due = due
	if c.index >= 0 {
		heap.Fix(s, int(c.index))
		return
	}
	heap.Push(s, c)
}

func (s *schedule) remove(c *check) {
	if c.index >= 0 {
		heap.Remove(s, int(c.index))
	}
}

// takeDue removes and returns the first check if it is due.
func (s *schedule) takeDue(now int64) *check {
	if len(*s) == 0 || (*s)[0].due > now {
		return nil
	}
	return heap.Pop(s).(*check)
}

// aligned returns the first time after now that is on a slot of an interval. All are
// in nanoseconds.
func aligned(now, slot, interval int64) int64 {
	at := now - now%interval + slot
	if at <= now {
		at += interval
	}
	return at
}
