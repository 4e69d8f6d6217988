package gcra

import (
	"testing"
	"time"
)

func TestTake(t *testing.T) {
	const second = int64(time.Second)
	for _, tt := range []struct {
		name      string
		perSecond float64
		burst     int
		at        []int64 // of each try
		want      []bool
	}{
		{"burst, then the rate", 1, 2, []int64{0, 0, 0, second, second, 2 * second}, []bool{true, true, false, true, false, true}},
		{"full again, but not more than full", 1, 2, []int64{0, 100 * second, 100 * second, 100 * second}, []bool{true, true, true, false}},
		{"a burst of 0 is one second", 3, 0, []int64{0, 0, 0, 0}, []bool{true, true, true, false}},
		{"a burst of 0 is one at least", 0.5, 0, []int64{0, 0, 2 * second}, []bool{true, false, true}},
		{"a refused try costs nothing", 1, 1, []int64{0, 0, 0, 0, second}, []bool{true, false, false, false, true}},
		{"very slow", 1e-12, 1, []int64{0, maxNanoseconds - 1}, []bool{true, false}},
		{"very fast", 1e12, 1, []int64{0, 1, 2}, []bool{true, true, true}},
	} {
		l, full := NewLimit(tt.perSecond, tt.burst), int64(0)
		for i, at := range tt.at {
			next, ok := l.Take(full, at)
			if ok != tt.want[i] || !ok && next != full {
				t.Errorf("%s: try %d gives %v", tt.name, i, ok)
			}
			full = next
		}
	}
}
