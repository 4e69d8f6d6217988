package gencache

import "testing"

func TestBounds(t *testing.T) {
	c := New[int, int](10)
	for i := range 1000 {
		c.Put(i, -i)
		if v, ok := c.Get(0); i < 9 && (!ok || v != 0) {
			t.Fatalf("after %d: 0 is gone", i)
		}
		if c.Len() > 20 {
			t.Fatalf("%d entries", c.Len())
		}
	}
	for i := 990; i < 1000; i++ {
		if v, ok := c.Get(i); !ok || v != -i {
			t.Errorf("%d is gone", i)
		}
	}
	if _, ok := c.Get(500); ok {
		t.Error("500 is still there")
	}
}

// TestUseKeeps: what is asked for outlives what is not.
func TestUseKeeps(t *testing.T) {
	c := New[string, int](4)
	c.Put("kept", 1)
	for i := range 100 {
		c.Put(string(rune('a'+i)), i)
		if _, ok := c.Get("kept"); !ok {
			t.Fatalf("gone after %d", i)
		}
	}
}
