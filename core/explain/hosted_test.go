package explain_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/explain"
	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/state"
)

func TestHostedZone(t *testing.T) {
	s, rules, n := new(state.State), &state.Rules{}, byte(0)
	do := func(c command.Command) command.Reply {
		n++
		d, err := state.Decide(s, rules, command.Meta{Account: "111111111111", Now: int64(n), Entropy: [32]byte{n}}, c)
		if err != nil {
			t.Fatal(err)
		}
		s = state.Apply(s, uint64(n), d.Changes...)
		return d.Reply
	}
	id := do(&hostedzone.Create{Name: "example.com", CallerReference: "a"}).Value.(*hostedzone.HostedZone).ID
	name := func(text string) string {
		wire, err := hostedzone.ParseName(text)
		if err != nil {
			t.Fatal(err)
		}
		return wire
	}
	do(&hostedzone.ChangeSets{Zone: id, Changes: []hostedzone.SetChange{
		{Action: hostedzone.CreateSet, Set: &hostedzone.RecordSet{Name: name("*.example.com"), Type: dnswire.TypeA, TTL: 60, Values: []string{"192.0.2.1"}}},
		{Action: hostedzone.CreateSet, Set: &hostedzone.RecordSet{Name: name("sub.example.com"), Type: dnswire.TypeNS, TTL: 60, Values: []string{"ns.example.net"}}},
	}})
	for question, want := range map[string][]string{
		"www.example.com":   {"wildcard *.example.com.", "type A has the routing policy simple", "192.0.2.1; healthy"},
		"a.sub.example.com": {"REFERRAL", "delegates sub.example.com. to ns.example.net."},
	} {
		got := explain.Name(&s.Registry, &s.Zones, &explain.Query{Name: question}, nil).String()
		for _, text := range want {
			if !strings.Contains(got, text) {
				t.Errorf("%s: no %q in\n%s", question, text, got)
			}
		}
	}
}
