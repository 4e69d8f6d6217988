package floattext

import (
	"math"
	"testing"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]float64{
		"0": 0, "-1.5": -1.5, "1e3": 1000, "+2": 2, "Infinity": math.Inf(1), "-Infinity": math.Inf(-1),
	} {
		if got, ok := Parse(text); !ok || got != want {
			t.Errorf("%q: got %v, %v", text, got, ok)
		}
	}
	if got, ok := Parse("NaN"); !ok || !math.IsNaN(got) {
		t.Errorf("NaN: got %v, %v", got, ok)
	}
	for _, text := range []string{"", " 1", "inf", "nan", "0x1p2", "1_000", "1e400", "1,5"} {
		if got, ok := Parse(text); ok {
			t.Errorf("%q is read as %v", text, got)
		}
	}
}

// FuzzParse: what is read can be written, and is read again as the same number.
func FuzzParse(f *testing.F) {
	f.Add("-1.5e3")
	f.Add("NaN")
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := Parse(text)
		if !ok {
			return
		}
		if again, ok := Parse(string(Append(nil, n))); !ok || again != n && !math.IsNaN(n) {
			t.Fatalf("%q is read as %v, and then as %v, %v", text, n, again, ok)
		}
	})
}
