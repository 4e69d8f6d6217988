package member

import "github.com/cairn-discovery/cairn/internal/record"

// The field numbers are permanent: add new ones, never change existing ones.
const (
	fieldID = iota + 1
	fieldSequence
	fieldStarted
	fieldRenewed
	fieldLease
	fieldApplied
	fieldVersion
	fieldFormat
	fieldAPI
	fieldDNS
	fieldAdmin
)

func (n *Node) encode(b []byte) []byte {
	b = record.AppendString(b, fieldID, n.ID)
	b = record.AppendUint(b, fieldSequence, n.Sequence)
	b = record.AppendUint(b, fieldStarted, uint64(n.Started))
	b = record.AppendUint(b, fieldRenewed, uint64(n.Renewed))
	b = record.AppendUint(b, fieldLease, uint64(n.Lease))
	b = record.AppendUint(b, fieldApplied, n.Applied)
	b = record.AppendString(b, fieldVersion, n.Version)
	b = record.AppendUint(b, fieldFormat, n.Format)
	b = record.AppendString(b, fieldAPI, n.API)
	b = record.AppendString(b, fieldDNS, n.DNS)
	b = record.AppendString(b, fieldAdmin, n.Admin)
	return append(b, n.unknown...)
}

func (n *Node) decode(value []byte) error {
	r := record.NewReader(value)
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		n.field(f)
	}
	return r.Err()
}

func (n *Node) field(f record.Field) {
	switch f.Number {
	case fieldID:
		n.ID = string(f.Bytes)
	case fieldSequence:
		n.Sequence = f.Uint
	case fieldStarted:
		n.Started = int64(f.Uint)
	case fieldRenewed:
		n.Renewed = int64(f.Uint)
	case fieldLease:
		n.Lease = int64(f.Uint)
	case fieldApplied:
		n.Applied = f.Uint
	case fieldVersion:
		n.Version = string(f.Bytes)
	case fieldFormat:
		n.Format = f.Uint
	case fieldAPI:
		n.API = string(f.Bytes)
	case fieldDNS:
		n.DNS = string(f.Bytes)
	case fieldAdmin:
		n.Admin = string(f.Bytes)
	default:
		n.unknown = record.AppendField(n.unknown, f)
	}
}
