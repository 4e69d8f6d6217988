package timestamp

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		text   string
		format Format
		want   Milliseconds
	}{
		{"1516925490.087", Epoch, 1516925490087},
		{"1516925490", Epoch, 1516925490000},
		{"-1.5", Epoch, -1500},
		{"1.516925490087E9", Epoch, 1516925490087},
		{"0.0004", Epoch, 0},
		{"2018-01-26T00:11:30.087Z", ISO8601, 1516925490087},
		{"2018-01-26T00:11:30Z", ISO8601, 1516925490000},
		{"2018-01-26T02:11:30.087+02:00", ISO8601, 1516925490087},
		{"Fri, 26 Jan 2018 00:11:30 GMT", HTTPDate, 1516925490000},
		{"0001-01-01T00:00:00Z", ISO8601, least},
		{"9999-12-31T23:59:59.999Z", ISO8601, most},
	} {
		got, err := Parse(test.text, test.format)
		if err != nil || got != test.want {
			t.Errorf("%q: got %d, %v, want %d", test.text, got, err, test.want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, test := range []struct {
		text   string
		format Format
	}{
		{"", Epoch}, {"1e400", Epoch}, {"NaN", Epoch}, {"Inf", Epoch}, {"0x10", Epoch}, {"1_0", Epoch}, {"1e15", Epoch},
		{"", ISO8601}, {"2018-01-26", ISO8601}, {"2018-02-30T00:00:00Z", ISO8601}, {"1516925490", ISO8601},
		{"", HTTPDate}, {"Friday, 26-Jan-18 00:11:30 GMT", HTTPDate}, {"Fri, 26 Jan 2018 00:11:30 CET", HTTPDate},
	} {
		if got, err := Parse(test.text, test.format); err == nil {
			t.Errorf("%q is read as %d", test.text, got)
		}
	}
}

func TestAppend(t *testing.T) {
	for _, test := range []struct {
		milliseconds Milliseconds
		format       Format
		want         string
	}{
		{1516925490087, Epoch, "1516925490.087"},
		{-1500, Epoch, "-1.500"},
		{0, Epoch, "0.000"},
		{1516925490087, ISO8601, "2018-01-26T00:11:30.087Z"},
		{1516925490087, HTTPDate, "Fri, 26 Jan 2018 00:11:30 GMT"},
	} {
		if got := string(Append(nil, test.milliseconds, test.format)); got != test.want {
			t.Errorf("got %s, want %s", got, test.want)
		}
	}
}

// FuzzParse: what is read can be written, and is read again as the same time.
func FuzzParse(f *testing.F) {
	f.Add("1516925490.087", 0)
	f.Add("2018-01-26T00:11:30.087Z", 1)
	f.Add("Fri, 26 Jan 2018 00:11:30 GMT", 2)
	f.Fuzz(func(t *testing.T, text string, format int) {
		form := Format(uint(format) % 3)
		ms, err := Parse(text, form)
		if err != nil {
			return
		}
		if year := time.UnixMilli(int64(ms)).UTC().Year(); year < 1 || year > 9999 {
			t.Fatalf("%q is read as %d", text, ms)
		}
		if again, err := Parse(string(Append(nil, ms, form)), form); err != nil || again != ms {
			t.Fatalf("%q is read as %d, and then as %d, %v", text, ms, again, err)
		}
	})
}
