package identity

import (
	"math"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/record"
)

// The field numbers of each kind of record are permanent: add new ones, never
// change existing ones.

func (a *Account) encode(b []byte) []byte {
	for _, name := range sortedKeys(a.Quotas) {
		b = record.AppendNested(b, 1, func(b []byte) []byte {
			b = record.AppendString(b, 1, name)
			return record.AppendUint(b, 2, uint64(a.Quotas[name]))
		})
	}
	for _, name := range sortedKeys(a.Rates) {
		b = record.AppendNested(b, 2, func(b []byte) []byte {
			b = record.AppendString(b, 1, name)
			b = record.AppendUint(b, 2, math.Float64bits(a.Rates[name].PerSecond))
			return record.AppendUint(b, 3, uint64(a.Rates[name].Burst))
		})
	}
	return b
}

func (a *Account) decode(value []byte) error {
	a.Quotas, a.Rates = map[string]int{}, map[string]command.Rate{}
	return record.Each(value, func(f record.Field) error {
		if f.Number != 1 && f.Number != 2 {
			return nil // of a later version
		}
		var name string
		var numbers [2]uint64
		err := record.Each(f.Bytes, func(f record.Field) error {
			if f.Number == 1 {
				name = string(f.Bytes)
			} else if f.Number-2 < len(numbers) {
				numbers[f.Number-2] = f.Uint
			}
			return nil
		})
		switch f.Number {
		case 1:
			a.Quotas[name] = int(numbers[0])
		case 2:
			a.Rates[name] = command.Rate{PerSecond: math.Float64frombits(numbers[0]), Burst: int(numbers[1])}
		}
		return err
	})
}

func (u *User) encode(b []byte) []byte {
	for _, g := range u.Groups {
		b = record.AppendString(b, 1, g)
	}
	b = appendTags(b, 2, u.Tags)
	b = record.AppendString(b, 3, u.UniqueID)
	return u.PolicyAttachments.encode(b)
}

func (u *User) decode(value []byte) error {
	return record.Each(value, func(f record.Field) error {
		switch f.Number {
		case 1:
			u.Groups = append(u.Groups, string(f.Bytes))
		case 2:
			readTag(&u.Tags, f.Bytes)
		case 3:
			u.UniqueID = string(f.Bytes)
		}
		return u.PolicyAttachments.field(f)
	})
}

func (g *Group) encode(b []byte) []byte { return g.PolicyAttachments.encode(b) }

func (g *Group) decode(value []byte) error { return record.Each(value, g.PolicyAttachments.field) }

func (r *Role) encode(b []byte) []byte {
	b = record.AppendString(b, 1, r.Trust)
	b = appendTags(b, 2, r.Tags)
	b = record.AppendUint(b, 3, uint64(r.MaxSession))
	b = record.AppendString(b, 4, r.UniqueID)
	return r.PolicyAttachments.encode(b)
}

func (r *Role) decode(value []byte) error {
	return record.Each(value, func(f record.Field) error {
		switch f.Number {
		case 1:
			r.Trust = string(f.Bytes)
		case 2:
			readTag(&r.Tags, f.Bytes)
		case 3:
			r.MaxSession = int64(f.Uint)
		case 4:
			r.UniqueID = string(f.Bytes)
		}
		return r.PolicyAttachments.field(f)
	})
}

func (p *Policy) encode(b []byte) []byte { return record.AppendString(b, 1, p.Text) }

func (p *Policy) decode(value []byte) error {
	return record.Each(value, func(f record.Field) error {
		if f.Number == 1 {
			p.Text = string(f.Bytes)
		}
		return nil
	})
}

// encode omits the plain secret, which is never stored.
func (k *AccessKey) encode(b []byte) []byte {
	b = record.AppendString(b, 1, k.Account)
	b = record.AppendString(b, 2, k.User)
	b = record.AppendString(b, 3, string(k.Sealed))
	if k.Inactive {
		b = record.AppendUint(b, 4, 1)
	}
	b = record.AppendUint(b, 5, uint64(k.Created))
	return record.AppendString(b, 6, k.UserID)
}

func (k *AccessKey) decode(value []byte) error {
	return record.Each(value, func(f record.Field) error {
		switch f.Number {
		case 1:
			k.Account = string(f.Bytes)
		case 2:
			k.User = string(f.Bytes)
		case 3:
			k.Sealed = append([]byte{}, f.Bytes...)
		case 4:
			k.Inactive = f.Uint == 1
		case 5:
			k.Created = int64(f.Uint)
		case 6:
			k.UserID = string(f.Bytes)
		}
		return nil
	})
}

// Fields of policy attachments, in records of users, groups and roles.
const (
	fieldInline   = 16
	fieldManaged  = 17
	fieldBoundary = 18
)

func (a *PolicyAttachments) encode(b []byte) []byte {
	for _, in := range a.Inline {
		b = record.AppendNested(b, fieldInline, func(b []byte) []byte {
			b = record.AppendString(b, 1, in.Name)
			return record.AppendString(b, 2, in.Text)
		})
	}
	for _, m := range a.Managed {
		b = record.AppendString(b, fieldManaged, m)
	}
	return record.AppendString(b, fieldBoundary, a.Boundary)
}

func (a *PolicyAttachments) field(f record.Field) error {
	switch f.Number {
	case fieldInline:
		var in Inline
		err := record.Each(f.Bytes, func(f record.Field) error {
			switch f.Number {
			case 1:
				in.Name = string(f.Bytes)
			case 2:
				in.Text = string(f.Bytes)
			}
			return nil
		})
		a.Inline = append(a.Inline, in)
		return err
	case fieldManaged:
		a.Managed = append(a.Managed, string(f.Bytes))
	case fieldBoundary:
		a.Boundary = string(f.Bytes)
	}
	return nil
}
