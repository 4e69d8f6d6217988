package dns_test

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/miekg/dns"
)

var (
	hostilePackets = flag.Int("packets", 20_000, "hostile packets to send")
	hostileSeed    = flag.Uint64("seed", 1, "what hostile packets are made from")
)

// Hostile packets: nothing breaks, and every answer there is is one to the
// packet: readable, in the limits, with its id.
func TestHostilePackets(t *testing.T) {
	w := start(t)
	w.shop(t)
	rnd := rand.New(rand.NewPCG(*hostileSeed, 0))
	seeds := hostileSeeds(t)
	conn := w.dial(t, "udp")
	const batch = 64 // what a socket's buffer holds for sure
	for sent := 0; sent < *hostilePackets; sent += batch {
		packets := map[uint16][]byte{}
		for id := range uint16(batch) {
			raw := mutate(rnd, seeds[rnd.IntN(len(seeds))])
			if len(raw) >= 2 {
				binary.BigEndian.PutUint16(raw, id)
			}
			packets[id] = raw
			conn.send(raw)
		}
		conn.send(sentinel(sentinelID))
		for id := uint16(0); id != sentinelID; {
			raw := conn.receive()
			id = binary.BigEndian.Uint16(raw)
			query, ok := packets[id]
			if id == sentinelID {
				continue
			}
			delete(packets, id) // one answer at most
			judge(t, query, raw, ok)
		}
		if t.Failed() {
			t.Fatalf("after %d packets of -seed=%d", sent+batch, *hostileSeed)
		}
	}
	if m := w.ask(t, "web.shop.example.", dns.TypeA); len(m.Answer) != 2 {
		t.Errorf("afterwards:\n%v", m)
	}
}

// judge says what is wrong with an answer to a hostile packet.
func judge(t *testing.T, query, raw []byte, asked bool) {
	t.Helper()
	m := new(dns.Msg)
	err := m.Unpack(raw)
	switch {
	case !asked:
		t.Errorf("an answer too many: %x", raw)
	case err != nil:
		t.Errorf("%x is answered with what cannot be read: %v\n%x", query, err, raw)
	case len(query) < 12 || query[2]&0x80 != 0:
		t.Errorf("%x deserves no answer and has\n%v", query, m)
	case !m.Response || m.Opcode != int(query[2]>>3&0xf):
		t.Errorf("%x is answered with\n%v", query, m)
	case len(raw) > 1232:
		t.Errorf("%d octets", len(raw))
	}
}

// hostileSeeds are messages of all kinds, good ones.
func hostileSeeds(t *testing.T) [][]byte {
	t.Helper()
	var seeds [][]byte
	for _, name := range []string{"web.shop.example.", "_http._tcp.shop.example.", "many.shop.example.", "old.shop.example.", "gone.shop.example.", "."} {
		for _, rrtype := range []uint16{dns.TypeA, dns.TypeSRV, dns.TypeANY, dns.TypeSOA, dns.TypeAXFR} {
			m := new(dns.Msg).SetQuestion(name, rrtype)
			for variant := range 3 {
				switch variant {
				case 1:
					m.SetEdns0(1232, true)
				case 2:
					m.IsEdns0().Option = []dns.EDNS0{
						&dns.EDNS0_COOKIE{Code: dns.EDNS0COOKIE, Cookie: "0123456789abcdef"},
						&dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: 1, SourceNetmask: 24, Address: []byte{192, 0, 2, 0}},
						&dns.EDNS0_NSID{Code: dns.EDNS0NSID},
						&dns.EDNS0_PADDING{Padding: make([]byte, 20)},
					}
				}
				raw, err := m.Pack()
				if err != nil {
					t.Fatal(err)
				}
				seeds = append(seeds, raw)
			}
		}
	}
	return seeds
}

// mutate makes something else of a message.
func mutate(rnd *rand.Rand, seed []byte) []byte {
	raw := append([]byte(nil), seed...)
	for range 1 + rnd.IntN(4) {
		if len(raw) == 0 {
			return []byte{byte(rnd.Uint32())}
		}
		at := rnd.IntN(len(raw))
		switch rnd.IntN(8) {
		case 0: // a bit
			raw[at] ^= 1 << rnd.IntN(8)
		case 1: // an octet
			raw[at] = byte(rnd.Uint32())
		case 2: // an octet that means something
			raw[at] = []byte{0, 1, 0x3f, 0x40, 0x80, 0xc0, 0xff}[rnd.IntN(7)]
		case 3: // the end is missing
			raw = raw[:at]
		case 4: // something is missing
			raw = append(raw[:at], raw[min(len(raw), at+1+rnd.IntN(8)):]...)
		case 5: // something is there twice
			end := min(len(raw), at+1+rnd.IntN(32))
			raw = append(raw[:end:end], raw[at:]...)
		case 6: // counts
			if len(raw) >= 12 {
				raw[4+rnd.IntN(8)] = byte(rnd.IntN(4))
			}
		case 7: // more behind it
			for range rnd.IntN(40) {
				raw = append(raw, byte(rnd.Uint32()))
			}
		}
		raw = raw[:min(len(raw), 1400)]
	}
	return raw
}
