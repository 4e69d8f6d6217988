package view_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/cairn-discovery/cairn/edge/dns/view"
)

// model is a slow implementation of Lookup: a loop over the whole configuration.
func model(cfg view.Config, addr netip.Addr) view.Client {
	addr = addr.Unmap().WithZone("")
	var c view.Client
	for _, p := range cfg.Trusted {
		c.Trusted = c.Trusted || p.Contains(addr)
	}
	private := cfg.VPCs == nil && (addr.IsPrivate() || addr.IsLoopback())
	c.AllVPCs = c.Trusted || private
	longest := -1
	for _, v := range cfg.VPCs {
		for _, p := range v.CIDRs {
			if p.Contains(addr) {
				longest = max(longest, p.Bits())
			}
		}
	}
	for _, v := range cfg.VPCs {
		for _, p := range v.CIDRs {
			if p.Contains(addr) && p.Bits() == longest && !slices.Contains(c.VPCs, v.ID) {
				c.VPCs = append(c.VPCs, v.ID)
			}
		}
	}
	slices.Sort(c.VPCs)
	c.Recursion = c.AllVPCs || c.VPCs != nil
	return c
}

// drawAddr draws from few bits, so that prefixes overlap and addresses hit.
func drawAddr(t *rapid.T, label string) netip.Addr {
	hi, lo := rapid.Uint16().Draw(t, label+" high"), rapid.Byte().Draw(t, label+" low")
	hi &= 0xff0f
	lo &= 0x83
	if rapid.Bool().Draw(t, label+" is IPv6") {
		a := [16]byte{0: 0xfd, 15: lo}
		binary.BigEndian.PutUint16(a[1:], hi)
		return netip.AddrFrom16(a)
	}
	a := [4]byte{0: rapid.SampledFrom([]byte{10, 127, 192, 203}).Draw(t, label+" net"), 3: lo}
	binary.BigEndian.PutUint16(a[1:], hi)
	return netip.AddrFrom4(a)
}

func drawPrefixes(t *rapid.T, label string, most int) []netip.Prefix {
	var ps []netip.Prefix
	for range rapid.IntRange(0, most).Draw(t, label+" count") {
		a := drawAddr(t, label)
		ps = append(ps, netip.PrefixFrom(a, rapid.IntRange(0, a.BitLen()).Draw(t, label+" bits")))
	}
	return ps
}

func TestLookupIsTheLoop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := view.Config{Trusted: drawPrefixes(t, "trusted", 3)}
		if rapid.Bool().Draw(t, "VPCs given") {
			cfg.VPCs = []view.VPC{}
			for i := range rapid.IntRange(0, 4).Draw(t, "VPCs") {
				id := string(rune('a' + i))
				cfg.VPCs = append(cfg.VPCs, view.VPC{ID: id, CIDRs: drawPrefixes(t, id, 4)})
			}
		}
		tab, err := view.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			a := drawAddr(t, "client")
			want := model(cfg, a)
			if diff := cmp.Diff(want, tab.Lookup(a)); diff != "" {
				t.Fatalf("Lookup(%v) (-loop +table)\n%s", a, diff)
			}
			if a.Is4() {
				if mapped := tab.Lookup(netip.AddrFrom16(a.As16())); !cmp.Equal(want, mapped) {
					t.Fatalf("Lookup(%v) differs when mapped into IPv6: %+v", a, mapped)
				}
			}
		}
	})
}

// BenchmarkLookup looks up among 1,000 VPCs of four CIDRs each.
func BenchmarkLookup(b *testing.B) {
	rnd := rand.New(rand.NewPCG(1, 2))
	cfg := view.Config{Trusted: prefixes("127.0.0.0/8", "::1/128")}
	for i := range 1000 {
		v := view.VPC{ID: string(binary.BigEndian.AppendUint32([]byte("vpc-"), uint32(i)))}
		for range 4 {
			a := netip.AddrFrom4([4]byte{10, byte(rnd.Uint32()), byte(rnd.Uint32()), 0})
			v.CIDRs = append(v.CIDRs, netip.PrefixFrom(a, 16+rnd.IntN(12)))
		}
		cfg.VPCs = append(cfg.VPCs, v)
	}
	tab := table(b, cfg)
	addrs := make([]netip.Addr, 4096)
	for i := range addrs {
		addrs[i] = netip.AddrFrom4([4]byte{10, byte(rnd.Uint32()), byte(rnd.Uint32()), byte(rnd.Uint32())})
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		tab.Lookup(addrs[i%len(addrs)])
		i++
	}
}
