package hostedzone

import (
	"errors"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/internal/record"
)

// The field numbers of each kind of record are permanent: add new ones, never change
// existing ones.

// errName is the error of a stored name that is not in wire form.
var errName = errors.New("a name is not in wire form")

// checkName returns an error if a name is not in wire form.
func checkName(name string) error {
	if !dnswire.IsName([]byte(name)) {
		return errName
	}
	return nil
}

func appendBool(b []byte, n int, v bool) []byte {
	if v {
		return record.AppendUint(b, n, 1)
	}
	return b
}

// appendOptional stores a number that can be absent.
func appendOptional(b []byte, n int, v *int64) []byte {
	if v == nil {
		return b
	}
	return record.AppendUint(b, n, uint64(*v)+1)
}

func optional(v uint64) *int64 { return new(int64(v - 1)) }

func appendVPC(b []byte, n int, v VPC) []byte {
	return record.AppendNested(b, n, func(b []byte) []byte {
		return record.AppendString(record.AppendString(b, 1, v.ID), 2, v.Region)
	})
}

func readVPC(value []byte) (v VPC, err error) {
	err = record.Each(value, func(f record.Field) error {
		switch f.Number {
		case 1:
			v.ID = string(f.Bytes)
		case 2:
			v.Region = string(f.Bytes)
		}
		return nil
	})
	return v, err
}

func (z *HostedZone) encode(b []byte) []byte {
	b = record.AppendString(b, 1, string(z.Account))
	b = record.AppendString(b, 2, z.Apex)
	b = record.AppendString(b, 3, z.CallerReference)
	b = record.AppendString(b, 4, z.Comment)
	b = appendBool(b, 5, z.Private)
	for _, v := range z.VPCs {
		b = appendVPC(b, 6, v)
	}
	b = record.AppendUint(b, 7, uint64(z.Created))
	b = record.AppendUint(b, 8, uint64(z.Records))
	b = record.AppendUint(b, 9, z.Batches)
	b = appendBool(b, 10, z.Delegated)
	for i := range z.SigningKeys {
		b = record.AppendNested(b, 11, z.SigningKeys[i].encode)
	}
	return appendBool(b, 12, z.Signing)
}

func (z *HostedZone) decode(value []byte) error {
	err := record.Each(value, func(f record.Field) (err error) {
		switch f.Number {
		case 1:
			z.Account = command.AccountID(f.Bytes)
		case 2:
			z.Apex = string(f.Bytes)
		case 3:
			z.CallerReference = string(f.Bytes)
		case 4:
			z.Comment = string(f.Bytes)
		case 5:
			z.Private = f.Uint == 1
		case 6:
			var v VPC
			v, err = readVPC(f.Bytes)
			z.VPCs = append(z.VPCs, v)
		case 7:
			z.Created = int64(f.Uint)
		case 8:
			z.Records = int(f.Uint)
		case 9:
			z.Batches = f.Uint
		case 10:
			z.Delegated = f.Uint == 1
		case 11:
			var k SigningKey
			err = k.decode(f.Bytes)
			z.SigningKeys = append(z.SigningKeys, k)
		case 12:
			z.Signing = f.Uint == 1
		}
		return err
	})
	if err != nil {
		return err
	}
	return checkName(z.Apex)
}

func (k *SigningKey) encode(b []byte) []byte {
	b = record.AppendString(b, 1, k.Name)
	b = record.AppendString(b, 2, k.KMS)
	b = record.AppendString(b, 3, k.CallerReference)
	b = appendBool(b, 4, k.Active)
	b = record.AppendString(b, 5, string(k.Key.Public[:]))
	b = record.AppendString(b, 6, k.Key.Sealed)
	b = record.AppendUint(b, 7, uint64(k.Key.Created))
	return record.AppendUint(b, 8, uint64(k.Changed))
}

func (k *SigningKey) decode(value []byte) error {
	return record.Each(value, func(f record.Field) error {
		switch f.Number {
		case 1:
			k.Name = string(f.Bytes)
		case 2:
			k.KMS = string(f.Bytes)
		case 3:
			k.CallerReference = string(f.Bytes)
		case 4:
			k.Active = f.Uint == 1
		case 5:
			copy(k.Key.Public[:], f.Bytes)
		case 6:
			k.Key.Sealed = string(f.Bytes)
		case 7:
			k.Key.Created = int64(f.Uint)
		case 8:
			k.Changed = int64(f.Uint)
		}
		return nil
	})
}

func (c *storedSet) encode(b []byte) []byte {
	s := c.set
	b = record.AppendString(b, 1, s.Name)
	b = record.AppendUint(b, 2, uint64(s.Type))
	b = record.AppendString(b, 3, s.SetID)
	b = record.AppendUint(b, 4, uint64(s.TTL))
	for _, v := range s.Values {
		b = record.AppendNested(b, 5, func(b []byte) []byte { return append(b, v...) })
	}
	if a := s.Alias; a != nil {
		b = record.AppendNested(b, 6, func(b []byte) []byte {
			b = record.AppendString(b, 1, string(a.Zone))
			b = record.AppendString(b, 2, a.Name)
			return appendBool(b, 3, a.Evaluate)
		})
	}
	b = appendOptional(b, 7, s.Weight)
	b = record.AppendString(b, 8, s.Region)
	b = record.AppendString(b, 9, s.Failover)
	if m := s.MultiValue; m != nil {
		n := int64(0)
		if *m {
			n = 1
		}
		b = appendOptional(b, 10, &n)
	}
	if g := s.Geo; g != nil {
		b = record.AppendNested(b, 11, func(b []byte) []byte {
			b = record.AppendString(b, 1, g.Continent)
			b = record.AppendString(b, 2, g.Country)
			return record.AppendString(b, 3, g.Subdivision)
		})
	}
	return record.AppendString(b, 12, s.Check)
}

func (c *storedSet) decode(value []byte) error {
	s := new(RecordSet)
	err := record.Each(value, func(f record.Field) error {
		switch f.Number {
		case 1:
			s.Name = string(f.Bytes)
		case 2:
			s.Type = uint16(f.Uint)
		case 3:
			s.SetID = string(f.Bytes)
		case 4:
			s.TTL = int64(f.Uint)
		case 5:
			s.Values = append(s.Values, string(f.Bytes))
		case 6:
			s.Alias = new(Alias)
			return s.Alias.decode(f.Bytes)
		case 7:
			s.Weight = optional(f.Uint)
		case 8:
			s.Region = string(f.Bytes)
		case 9:
			s.Failover = string(f.Bytes)
		case 10:
			s.MultiValue = new(*optional(f.Uint) == 1)
		case 11:
			s.Geo = new(Geo)
			return s.Geo.decode(f.Bytes)
		case 12:
			s.Check = string(f.Bytes)
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.set = s
	if err := checkName(s.Name); err != nil {
		return err
	}
	if err := s.parse(); err != nil {
		return err
	}
	c.order = s.setKey()
	return nil
}

func (a *Alias) decode(value []byte) error {
	err := record.Each(value, func(f record.Field) error {
		switch f.Number {
		case 1:
			a.Zone = ID(f.Bytes)
		case 2:
			a.Name = string(f.Bytes)
		case 3:
			a.Evaluate = f.Uint == 1
		}
		return nil
	})
	if err != nil {
		return err
	}
	return checkName(a.Name)
}

func (g *Geo) decode(value []byte) error {
	return record.Each(value, func(f record.Field) error {
		switch f.Number {
		case 1:
			g.Continent = string(f.Bytes)
		case 2:
			g.Country = string(f.Bytes)
		case 3:
			g.Subdivision = string(f.Bytes)
		}
		return nil
	})
}

func (c *HealthCheck) encode(b []byte) []byte {
	b = record.AppendString(b, 1, string(c.Account))
	b = record.AppendString(b, 2, c.CallerReference)
	b = record.AppendUint(b, 3, uint64(c.Version))
	b = record.AppendUint(b, 4, uint64(c.Created))
	b = record.AppendUint(b, 5, uint64(c.Verdict))
	return record.AppendNested(b, 6, c.Config.encode)
}

func (c *HealthCheck) decode(value []byte) error {
	return record.Each(value, func(f record.Field) error {
		switch f.Number {
		case 1:
			c.Account = command.AccountID(f.Bytes)
		case 2:
			c.CallerReference = string(f.Bytes)
		case 3:
			c.Version = int64(f.Uint)
		case 4:
			c.Created = int64(f.Uint)
		case 5:
			c.Verdict = health.Verdict(f.Uint)
		case 6:
			return c.Config.decode(f.Bytes)
		}
		return nil
	})
}

func (c *CheckConfig) encode(b []byte) []byte {
	b = record.AppendString(b, 1, c.Type)
	b = record.AppendString(b, 2, c.IP)
	b = record.AppendUint(b, 3, uint64(c.Port))
	b = record.AppendString(b, 4, c.Path)
	b = record.AppendString(b, 5, c.Domain)
	b = record.AppendString(b, 6, c.Search)
	b = record.AppendUint(b, 7, uint64(c.Interval))
	b = record.AppendUint(b, 8, uint64(c.Threshold))
	b = appendBool(b, 9, c.MeasureLatency)
	b = appendBool(b, 10, c.Inverted)
	b = appendBool(b, 11, c.Disabled)
	b = appendBool(b, 12, c.SNI)
	for _, child := range c.Children {
		b = record.AppendString(b, 13, child)
	}
	b = record.AppendUint(b, 14, uint64(c.HealthThreshold))
	for _, r := range c.Regions {
		b = record.AppendString(b, 15, r)
	}
	return b
}

func (c *CheckConfig) decode(value []byte) error {
	return record.Each(value, func(f record.Field) error {
		switch f.Number {
		case 1:
			c.Type = string(f.Bytes)
		case 2:
			c.IP = string(f.Bytes)
		case 3:
			c.Port = int64(f.Uint)
		case 4:
			c.Path = string(f.Bytes)
		case 5:
			c.Domain = string(f.Bytes)
		case 6:
			c.Search = string(f.Bytes)
		case 7:
			c.Interval = int64(f.Uint)
		case 8:
			c.Threshold = int64(f.Uint)
		case 9:
			c.MeasureLatency = f.Uint == 1
		case 10:
			c.Inverted = f.Uint == 1
		case 11:
			c.Disabled = f.Uint == 1
		case 12:
			c.SNI = f.Uint == 1
		case 13:
			c.Children = append(c.Children, string(f.Bytes))
		case 14:
			c.HealthThreshold = int64(f.Uint)
		case 15:
			c.Regions = append(c.Regions, string(f.Bytes))
		}
		return nil
	})
}

func (a *Authorization) encode(b []byte) []byte { return record.AppendString(b, 1, a.VPC.Region) }

func (a *Authorization) decode(value []byte) error {
	return record.Each(value, func(f record.Field) error {
		if f.Number == 1 {
			a.VPC.Region = string(f.Bytes)
		}
		return nil
	})
}

func (a *association) encode(b []byte) []byte {
	for _, v := range a.VPCs {
		b = appendVPC(b, 1, v)
	}
	return b
}

func (a *association) decode(value []byte) error {
	return record.Each(value, func(f record.Field) error {
		if f.Number != 1 {
			return nil
		}
		v, err := readVPC(f.Bytes)
		a.VPCs = append(a.VPCs, v)
		return err
	})
}

func (t *resourceTags) encode(b []byte) []byte {
	for _, tag := range t.Tags {
		b = record.AppendNested(b, 1, func(b []byte) []byte {
			return record.AppendString(record.AppendString(b, 1, tag.Key), 2, tag.Value)
		})
	}
	return b
}

func (t *resourceTags) decode(value []byte) error {
	return record.Each(value, func(f record.Field) error {
		if f.Number != 1 {
			return nil // of a later version
		}
		var tag Tag
		err := record.Each(f.Bytes, func(f record.Field) error {
			switch f.Number {
			case 1:
				tag.Key = string(f.Bytes)
			case 2:
				tag.Value = string(f.Bytes)
			}
			return nil
		})
		t.Tags = append(t.Tags, tag)
		return err
	})
}

func (c *Change) encode(b []byte) []byte {
	b = record.AppendString(b, 1, string(c.Account))
	b = record.AppendString(b, 2, c.Comment)
	return record.AppendUint(b, 3, uint64(c.Submitted))
}

func (c *Change) decode(value []byte) error {
	return record.Each(value, func(f record.Field) error {
		switch f.Number {
		case 1:
			c.Account = command.AccountID(f.Bytes)
		case 2:
			c.Comment = string(f.Bytes)
		case 3:
			c.Submitted = int64(f.Uint)
		}
		return nil
	})
}
