package route53

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/cairn-discovery/cairn/core/hostedzone"
	"github.com/cairn-discovery/cairn/core/rdata"
	"github.com/cairn-discovery/cairn/edge/aws/service"
)

// Question is what TestDNSAnswer asks the DNS server.
type Question struct {
	Name string // in wire form
	Type uint16
	// VPCs are those that the client is in: it sees their private zones.
	VPCs []string
	// Resolver is the address of the client, Subnet what it sends of its own client. Not
	// valid: none.
	Resolver netip.Addr
	Subnet   netip.Prefix
}

// Answer is the answer of the DNS server: the records of the type, without CNAME records
// on the way.
type Answer struct {
	Rcode string
	Data  []string // in wire form
}

func (a *api) TestDNSAnswer(ctx context.Context, c *service.Call, in *TestDNSAnswerRequest) (*TestDNSAnswerResponse, error) {
	v, err := a.find(c, in.HostedZoneId)
	if err != nil {
		return nil, err
	}
	name, err := hostedzone.ParseName(*in.RecordName)
	if err != nil {
		return nil, invalidInput(fmt.Sprintf("RecordName is not a domain name: FATAL problem: %s", err))
	}
	rtype, ok := rdata.Type(string(*in.RecordType))
	if !ok || a.answer == nil {
		return nil, invalidInput("RecordType " + string(*in.RecordType) + " is not supported")
	}
	q := Question{Name: name, Type: rtype, Resolver: netip.AddrFrom4([4]byte{127, 0, 0, 1})}
	if v.private {
		for _, vpc := range v.vpcs {
			q.VPCs = append(q.VPCs, vpc.ID)
		}
	}
	if err := q.client(in); err != nil {
		return nil, err
	}
	answer, err := a.answer(ctx, q)
	if err != nil {
		return nil, err
	}
	out := &TestDNSAnswerResponse{RecordName: dnsName(name), RecordType: *in.RecordType, ResponseCode: answer.Rcode, Protocol: "UDP", RecordData: []string{}}
	if servers := v.nameServers(c); len(servers) > 0 {
		out.Nameserver = servers[0]
	}
	for _, data := range answer.Data {
		out.RecordData = append(out.RecordData, rdata.Octal.Text(rtype, data))
	}
	return out, nil
}

// client reads where the question comes from.
func (q *Question) client(in *TestDNSAnswerRequest) error {
	if in.ResolverIP != nil {
		addr, err := netip.ParseAddr(*in.ResolverIP)
		if err != nil || addr.Zone() != "" {
			return invalidInput(fmt.Sprintf("ResolverIP %q is not an IP address", *in.ResolverIP))
		}
		q.Resolver = addr
	}
	if in.EDNS0ClientSubnetIP == nil {
		if in.EDNS0ClientSubnetMask != nil {
			return invalidInput("EDNS0ClientSubnetMask requires EDNS0ClientSubnetIP")
		}
		return nil
	}
	addr, err := netip.ParseAddr(*in.EDNS0ClientSubnetIP)
	if err != nil || addr.Zone() != "" {
		return invalidInput(fmt.Sprintf("EDNS0ClientSubnetIP %q is not an IP address", *in.EDNS0ClientSubnetIP))
	}
	bits := 24
	if addr.Is6() {
		bits = 64
	}
	if in.EDNS0ClientSubnetMask != nil {
		if bits, err = strconv.Atoi(*in.EDNS0ClientSubnetMask); err != nil || bits < 0 || bits > addr.BitLen() {
			return invalidInput(fmt.Sprintf("EDNS0ClientSubnetMask %q must be 0 to %d", *in.EDNS0ClientSubnetMask, addr.BitLen()))
		}
	}
	q.Subnet = netip.PrefixFrom(addr, bits).Masked()
	return nil
}
