package registry

import (
	"cmp"
	"errors"
	"math"
	"unique"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/record"
)

// The field numbers of each kind of record are permanent: add new ones, never
// change existing ones.

var (
	errAttributes = errors.New("malformed attributes")
	errHealth     = errors.New("unknown health status")
	errLong       = errors.New("an id is longer than 65535 bytes")
)

func (ns *Namespace) encode(b []byte) []byte {
	b = record.AppendString(b, 1, ns.ID)
	b = record.AppendString(b, 2, ns.Name)
	b = record.AppendString(b, 3, ns.Type)
	b = record.AppendString(b, 4, ns.VPC)
	b = record.AppendString(b, 5, ns.HostedZoneID)
	b = record.AppendUint(b, 6, uint64(ns.SOATTL))
	b = record.AppendString(b, 7, ns.Description)
	b = record.AppendString(b, 8, ns.Tags)
	b = record.AppendString(b, 9, ns.CreatorRequestID)
	b = record.AppendUint(b, 10, uint64(ns.CreateDate))
	b = record.AppendString(b, 11, ns.createOperation)
	b = record.AppendUint(b, 12, ns.fingerprint)
	for _, account := range ns.sharedWith {
		b = record.AppendString(b, 13, account)
	}
	if ns.Delegated {
		b = record.AppendUint(b, 17, 1)
	}
	for i := range ns.Keys {
		b = record.AppendNested(b, 16, func(b []byte) []byte { return appendKey(b, &ns.Keys[i]) })
	}
	return b
}

func (ns *Namespace) decode(value []byte) error {
	ok := true
	var badKey error
	err := eachField(value, func(f record.Field) {
		switch f.Number {
		case 1:
			ns.ID = NamespaceID(f.Bytes)
		case 2:
			ns.Name = string(f.Bytes)
		case 3:
			ns.Type = NamespaceType(f.Bytes)
		case 4:
			ns.VPC = string(f.Bytes)
		case 5:
			ns.HostedZoneID = string(f.Bytes)
		case 6:
			ns.SOATTL = int64(f.Uint)
		case 7:
			ns.Description = string(f.Bytes)
		case 8:
			ns.Tags, ok = parseAttributes(f.Bytes)
		case 9:
			ns.CreatorRequestID = string(f.Bytes)
		case 10:
			ns.CreateDate = int64(f.Uint)
		case 11:
			ns.createOperation = OperationID(f.Bytes)
		case 12:
			ns.fingerprint = f.Uint
		case 13:
			ns.sharedWith = append(ns.sharedWith, command.AccountID(f.Bytes))
		case 16:
			key, err := parseKey(f.Bytes)
			ns.Keys, badKey = append(ns.Keys, key), cmp.Or(badKey, err)
		case 17:
			ns.Delegated = f.Uint == 1
		}
	})
	return firstProblem(cmp.Or(err, badKey), ok)
}

func firstProblem(err error, attributesOK bool) error {
	if err == nil && !attributesOK {
		return errAttributes
	}
	return err
}

func (svc *Service) encode(b []byte) []byte {
	b = record.AppendString(b, 1, svc.ID)
	b = record.AppendString(b, 2, svc.Name)
	b = record.AppendString(b, 3, svc.Type)
	b = record.AppendString(b, 4, svc.Description)
	if svc.DNS != nil {
		b = record.AppendNested(b, 5, svc.DNS.encode)
	}
	if svc.HealthCheck != nil {
		b = record.AppendNested(b, 6, svc.HealthCheck.encode)
	}
	if svc.CustomHealth {
		b = record.AppendUint(b, 7, 1)
	}
	b = record.AppendString(b, 8, svc.Tags)
	b = record.AppendString(b, 9, svc.Attributes)
	b = record.AppendString(b, 10, svc.CreatorRequestID)
	b = record.AppendString(b, 11, svc.CreatedBy)
	b = record.AppendUint(b, 12, uint64(svc.CreateDate))
	return record.AppendUint(b, 13, svc.fingerprint)
}

func (svc *Service) decode(value []byte) error {
	var problems []error
	attrs := func(b []byte) Attributes {
		a, ok := parseAttributes(b)
		problems = append(problems, firstProblem(nil, ok))
		return a
	}
	err := eachField(value, func(f record.Field) {
		switch f.Number {
		case 1:
			svc.ID = ServiceID(f.Bytes)
		case 2:
			svc.Name = string(f.Bytes)
		case 3:
			svc.Type = ServiceType(f.Bytes)
		case 4:
			svc.Description = string(f.Bytes)
		case 5:
			svc.DNS = new(DNSConfig)
			problems = append(problems, svc.DNS.decode(f.Bytes))
		case 6:
			svc.HealthCheck = new(HealthCheck)
			problems = append(problems, svc.HealthCheck.decode(f.Bytes))
		case 7:
			svc.CustomHealth = f.Uint == 1
		case 8:
			svc.Tags = attrs(f.Bytes)
		case 9:
			svc.Attributes = attrs(f.Bytes)
		case 10:
			svc.CreatorRequestID = string(f.Bytes)
		case 11:
			svc.CreatedBy = command.AccountID(f.Bytes)
		case 12:
			svc.CreateDate = int64(f.Uint)
		case 13:
			svc.fingerprint = f.Uint
		}
	})
	return errors.Join(append(problems, err)...)
}

func (d *DNSConfig) encode(b []byte) []byte {
	b = record.AppendString(b, 1, d.Policy)
	for _, rec := range d.Records {
		b = record.AppendNested(b, 2, func(b []byte) []byte {
			b = record.AppendString(b, 1, rec.Type)
			return record.AppendUint(b, 2, uint64(rec.TTL))
		})
	}
	return b
}

func (d *DNSConfig) decode(value []byte) error {
	var nested error
	err := eachField(value, func(f record.Field) {
		switch f.Number {
		case 1:
			d.Policy = RoutingPolicy(f.Bytes)
		case 2:
			var rec DNSRecord
			nested = errors.Join(nested, rec.decode(f.Bytes))
			d.Records = append(d.Records, rec)
		}
	})
	return errors.Join(nested, err)
}

func (rec *DNSRecord) decode(value []byte) error {
	return eachField(value, func(f record.Field) {
		switch f.Number {
		case 1:
			rec.Type = RecordType(f.Bytes)
		case 2:
			rec.TTL = int64(f.Uint)
		}
	})
}

func (h *HealthCheck) encode(b []byte) []byte {
	b = record.AppendString(b, 1, h.Type)
	b = record.AppendString(b, 2, h.ResourcePath)
	return record.AppendUint(b, 3, uint64(h.FailureThreshold))
}

func (h *HealthCheck) decode(value []byte) error {
	return eachField(value, func(f record.Field) {
		switch f.Number {
		case 1:
			h.Type = HealthCheckType(f.Bytes)
		case 2:
			h.ResourcePath = string(f.Bytes)
		case 3:
			h.FailureThreshold = int64(f.Uint)
		}
	})
}

func (i *Instance) encode(b []byte) []byte {
	var packed [512]byte
	b = record.AppendString(b, 1, i.Attributes().appendPacked(packed[:0]))
	b = record.AppendString(b, 2, i.CreatorRequestID())
	b = record.AppendUint(b, 3, uint64(i.Health))
	b = record.AppendUint(b, 4, uint64(i.pending))
	b = record.AppendUint(b, 5, uint64(i.due))
	b = record.AppendUint(b, 6, uint64(i.Registered))
	b = record.AppendUint(b, 7, uint64(i.Changed))
	if i.Expired {
		b = record.AppendUint(b, 8, 1)
	}
	if i.createdBy != (unique.Handle[command.AccountID]{}) {
		b = record.AppendString(b, 9, i.createdBy.Value())
	}
	return b
}

func parseInstance(id InstanceID, value []byte) (*Instance, error) {
	var attrs, request []byte
	var rest Instance
	err := eachField(value, func(f record.Field) {
		switch f.Number {
		case 1:
			attrs = f.Bytes
		case 2:
			request = f.Bytes
		case 3:
			rest.Health = Health(min(f.Uint, 255))
		case 4:
			rest.pending = Health(min(f.Uint, 255))
		case 5:
			rest.due = int64(f.Uint)
		case 6:
			rest.Registered = int64(f.Uint)
		case 7:
			rest.Changed = uint32(f.Uint)
		case 8:
			rest.Expired = f.Uint == 1
		case 9:
			rest.createdBy = unique.Make(command.AccountID(f.Bytes))
		}
	})
	a, ok := parseAttributes(attrs)
	if err = firstProblem(err, ok); err != nil {
		return nil, err
	}
	if rest.Health > Unhealthy || rest.pending > Unhealthy {
		return nil, errHealth
	}
	if len(id) > math.MaxUint16 || len(request) > math.MaxUint16 {
		return nil, errLong
	}
	inst := newInstance(id, a, string(request))
	inst.Health, inst.pending, inst.due = rest.Health, rest.pending, rest.due
	inst.Registered, inst.Changed, inst.Expired = rest.Registered, rest.Changed, rest.Expired
	inst.createdBy = rest.createdBy
	return &inst, nil
}

func (op *Operation) encode(b []byte) []byte {
	b = record.AppendString(b, 1, op.Type)
	b = record.AppendUint(b, fieldDate, uint64(op.Date))
	b = record.AppendString(b, 3, op.Namespace)
	b = record.AppendString(b, 4, op.Service)
	b = record.AppendString(b, 5, op.Instance)
	b = record.AppendString(b, 6, op.CreatorRequestID)
	b = record.AppendUint(b, 7, op.fingerprint)
	b = record.AppendString(b, 8, op.ErrorCode)
	b = record.AppendString(b, 9, op.ErrorMessage)
	return record.AppendString(b, 10, op.owner)
}

func (op *Operation) decode(value []byte) error { return eachField(value, op.decodeField) }

func (op *Operation) decodeField(f record.Field) {
	switch f.Number {
	case 1:
		op.Type = OperationType(f.Bytes)
	case fieldDate:
		op.Date = int64(f.Uint)
	case 3:
		op.Namespace = NamespaceID(f.Bytes)
	case 4:
		op.Service = ServiceID(f.Bytes)
	case 5:
		op.Instance = InstanceID(f.Bytes)
	case 6:
		op.CreatorRequestID = string(f.Bytes)
	case 7:
		op.fingerprint = f.Uint
	case 8:
		op.ErrorCode = string(f.Bytes)
		op.Failed = true
	case 9:
		op.ErrorMessage = string(f.Bytes)
	case 10:
		op.owner = command.AccountID(f.Bytes)
	}
}
