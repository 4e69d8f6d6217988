package registry

import (
	"bytes"
	"errors"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/persist/ptree"
	"github.com/cairn-discovery/cairn/internal/record"
)

// Several operations of one transaction may share a record, so that a store of several
// nodes has fewer of them. The first one is the carrier: the record has its key, and its
// value is the encoding of the carrier followed by one field for each other operation, a
// part.

const (
	// fieldDate is when an operation was created and ended.
	fieldDate = 2
	// fieldPart is a part, in the record of its carrier.
	fieldPart = 11
	// fieldTarget is the first half of the id of a part, in octets. The other half is its
	// date.
	fieldTarget = 12
	// maxParts bounds the parts of a record that is read. The replica writes fewer.
	maxParts = 1024
)

var (
	errPart  = errors.New("an operation in the record of another one has no valid id")
	errParts = errors.New("too many operations in one record")
)

// Bundle implements command.Bundled: successful operations on instances share records.
func (c putOperation) Bundle() string {
	if !c.Guarded() {
		return ""
	}
	return operationPrefix + "/" + string(c.op.Account)
}

// In implements command.Bundled.
func (c putOperation) In(other command.Change) command.Part {
	if part, ok := other.(putPart); ok {
		return putPart{c.op, part.carrier, part.ref}
	}
	carrier := other.(putOperation).op
	return putPart{c.op, carrier, refTo(carrier.ID)}
}

// putPart stores an operation in the record of another one, which an earlier change of the
// transaction has put.
type putPart struct {
	op, carrier *Operation
	ref         storedOperation // one string for all parts of a record
}

// Guarded implements command.Guarded, as putOperation does.
func (putPart) Guarded() bool { return true }

// Part implements command.Part.
func (putPart) Part() {}

func (c putPart) apply(d *Draft, _ uint64) {
	var buf [512]byte
	part := storedOperation(c.op.appendPart(buf[:0], c.carrier))
	d.changeAccount(c.op.Account, func(a *accountState) {
		key, _ := c.ref.carrier()
		if record, ok := a.operations.Get(key); ok {
			a.operations = a.operations.Put(d.token, key, record+part)
			a.putPart(d.token, c.op, c.ref)
		}
	})
}

// putPart adds a part of a record to the index, unless it has a record of its own.
func (a *accountState) putPart(t *ptree.Owner, op *Operation, ref storedOperation) {
	key, _ := operationKey(op.ID)
	if old, ok := a.operations.Get(key); ok && !old.isPart() {
		return
	}
	a.operations = a.operations.Put(t, key, ref)
	a.indexRequest(t, op, key)
}

// dropParts removes the parts of a record from the index, before the record is deleted or
// replaced.
func (a *accountState) dropParts(t *ptree.Owner, carrier *Operation) {
	if len(carrier.parts) == 0 {
		return
	}
	ref := refTo(carrier.ID)
	for _, op := range carrier.parts {
		key, _ := operationKey(op.ID)
		if old, ok := a.operations.Get(key); ok && old == ref {
			a.operations = a.operations.Delete(t, key)
			a.forgetRequest(t, op, key)
		}
	}
}

// refTo returns what the state has in place of a part: the key of the carrier behind a zero,
// which no encoding begins with.
func refTo(carrier OperationID) storedOperation {
	key, _ := operationKey(carrier)
	return storedOperation("\x00" + key)
}

// isPart reports whether the operation is in the record of another one.
func (o storedOperation) isPart() bool { return o != "" && o[0] == 0 }

// carrier returns the key of the operation whose record has this one, or false if it has its
// own.
func (o storedOperation) carrier() (string, bool) {
	if !o.isPart() {
		return "", false
	}
	return string(o[1:]), true
}

// record decodes a record with its parts.
func (o storedOperation) record(account command.AccountID, key string) *Operation {
	op := &Operation{ID: operationIDOf(key), Account: account}
	op.decodeRecord([]byte(o)) // checked by Decode
	return op
}

// operationReader decodes entries of the operations of an account. It keeps the last record
// with parts: neighbours often share one.
type operationReader struct {
	*accountState
	carrier *Operation
	value   []byte // of the record of carrier
}

// read decodes an entry.
func (r *operationReader) read(account command.AccountID, key string, stored storedOperation) (*Operation, bool) {
	carrier, ok := stored.carrier()
	if !ok {
		return stored.operation(account, key), true
	}
	if id := operationIDOf(carrier); r.carrier == nil || r.carrier.ID != id {
		record, _ := r.operations.Get(carrier)
		r.carrier, r.value = &Operation{ID: id, Account: account}, []byte(record)
		r.carrier.decode(r.value)
	}
	target, _ := base32Lower.DecodeString(key[operationTimeLen:]) // parsePart has encoded it
	fields := record.NewReader(r.value)
	for f, ok := fields.Next(); ok; f, ok = fields.Next() {
		if f.Number == fieldPart && hasTarget(f.Bytes, target) {
			if op, err := parsePart(r.carrier, f.Bytes); err == nil && op.ID == operationIDOf(key) {
				return op, true
			}
		}
	}
	return nil, false
}

// hasTarget reports whether an encoded part has a target.
func hasTarget(part, target []byte) bool {
	r := record.NewReader(part)
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		if f.Number == fieldTarget {
			return bytes.Equal(f.Bytes, target)
		}
	}
	return false
}

// countParts returns the number of parts in the record.
func (o storedOperation) countParts() (n int) {
	r := record.NewReader([]byte(o))
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		if f.Number == fieldPart {
			n++
		}
	}
	return n
}

// encodeRecord is encode with the parts.
func (op *Operation) encodeRecord(b []byte) []byte {
	b = op.encode(b)
	for _, part := range op.parts {
		b = part.appendPart(b, op)
	}
	return b
}

// decodeRecord is decode with the parts.
func (op *Operation) decodeRecord(value []byte) (err error) {
	if err = op.decode(value); err == nil {
		op.parts, err = parseParts(op, value)
	}
	return err
}

// appendPart appends the operation as a field of the record of its carrier, without what
// both have in common.
func (op *Operation) appendPart(b []byte, carrier *Operation) []byte {
	part := *op
	if part.Type == carrier.Type {
		part.Type = ""
	}
	if part.Namespace == carrier.Namespace {
		part.Namespace = ""
	}
	if part.Service == carrier.Service {
		part.Service = ""
	}
	return record.AppendNested(b, fieldPart, func(b []byte) []byte {
		target, _ := base32Lower.DecodeString(string(op.ID[:operationTargetLen])) // newOperation has encoded it
		return part.encode(record.AppendString(b, fieldTarget, target))
	})
}

// parsePart decodes a part.
func parsePart(carrier *Operation, value []byte) (*Operation, error) {
	op := &Operation{Account: carrier.Account, Type: carrier.Type, Namespace: carrier.Namespace, Service: carrier.Service}
	var target []byte
	err := eachField(value, func(f record.Field) {
		if f.Number == fieldTarget {
			target = f.Bytes
		} else {
			op.decodeField(f)
		}
	})
	op.ID = OperationID(base32Lower.EncodeToString(target) + "-" + operationTime(op.Date))
	if _, ok := operationKey(op.ID); err == nil && !ok {
		return nil, errPart
	}
	return op, err
}

// parseParts decodes the parts of a record.
func parseParts(carrier *Operation, value []byte) (parts []*Operation, problem error) {
	err := eachField(value, func(f record.Field) {
		switch {
		case f.Number != fieldPart || problem != nil:
		case len(parts) == maxParts:
			problem = errParts
		default:
			var op *Operation
			op, problem = parsePart(carrier, f.Bytes)
			parts = append(parts, op)
		}
	})
	if problem == nil {
		problem = err
	}
	return parts, problem
}
