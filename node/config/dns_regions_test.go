package config

import (
	"strings"
	"testing"
)

func TestRegions(t *testing.T) {
	for _, test := range []struct {
		regions []Region
		want    string // in the error; empty: there is none
	}{
		{[]Region{{Name: "a", Country: "DE"}, {Name: "b", Continent: "NA", Country: "US", Subdivision: "CA"}, {Name: "c", Country: "UA", Subdivision: "63"}, {Name: "d"}}, ""},
		{[]Region{{Name: "a"}, {Name: "a"}}, "dns.regions[1].name"},
		{[]Region{{Name: "a", Continent: "Europe"}}, "dns.regions[0].continent"},
		{[]Region{{Name: "a", Country: "de"}}, "dns.regions[0].country"},
		{[]Region{{Name: "a", Country: "Germany"}}, "dns.regions[0].country"},
		{[]Region{{Name: "a", Country: "US", Subdivision: "California"}}, "dns.regions[0].subdivision"},
		{[]Region{{Name: "a", Subdivision: "CA"}}, "dns.regions[0].subdivision"},
	} {
		var k checker
		checkRegions(&k, test.regions)
		text := ""
		for _, err := range k.errs {
			text += err.Error() + "\n"
		}
		if test.want == "" && text != "" || !strings.Contains(text, test.want) {
			t.Errorf("%+v: got %q, want %q", test.regions, text, test.want)
		}
	}
}
