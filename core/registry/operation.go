package registry

import (
	"iter"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// OperationType is the kind of an operation.
type OperationType string

// The operation types of the API.
const (
	CreateNamespaceOperation    OperationType = "CREATE_NAMESPACE"
	DeleteNamespaceOperation    OperationType = "DELETE_NAMESPACE"
	UpdateNamespaceOperation    OperationType = "UPDATE_NAMESPACE"
	UpdateServiceOperation      OperationType = "UPDATE_SERVICE"
	RegisterInstanceOperation   OperationType = "REGISTER_INSTANCE"
	DeregisterInstanceOperation OperationType = "DEREGISTER_INSTANCE"
)

// Operation is the record of an asynchronous call. The work is done when the call
// returns, so every stored operation has ended.
type Operation struct {
	ID      OperationID
	Account command.AccountID
	Type    OperationType
	// Failed means that the work could not be done. ErrorCode and ErrorMessage are
	// the reason, and empty otherwise.
	Failed                  bool
	ErrorCode, ErrorMessage string
	// Date is when the operation was created and ended, in milliseconds since 1970.
	Date int64
	// Namespace, Service and Instance are the resources of the operation. They are
	// empty if it has none.
	Namespace        NamespaceID
	Service          ServiceID
	Instance         InstanceID
	CreatorRequestID string

	fingerprint uint64
	owner       command.AccountID // of the namespace, where that is not Account
	parts       []*Operation      // the others in its record, see fieldPart; only in a change
}

// Targets returns the resources of the operation, by the names of the API.
func (op *Operation) Targets() map[string]string {
	switch {
	case op.Instance != "":
		return map[string]string{"INSTANCE": string(op.Instance), "SERVICE": string(op.Service)}
	case op.Service != "":
		return map[string]string{"SERVICE": string(op.Service)}
	}
	return map[string]string{"NAMESPACE": string(op.Namespace)}
}

// Status returns SUCCESS or FAIL.
func (op *Operation) Status() string {
	if op.Failed {
		return "FAIL"
	}
	return "SUCCESS"
}

func (op *Operation) fail(code, message string) {
	op.Failed, op.ErrorCode, op.ErrorMessage = true, code, message
}

// newOperation returns a new operation on a target. Its id contains the time in
// milliseconds, so the second operation in a millisecond gets a later date.
func newOperation(m *command.Meta, a *accountState, t OperationType, target ...string) *Operation {
	return newOperationAfter(m, 0, a, t, target...)
}

// maxAhead is how far the dates of a target's operations may be ahead of the clock,
// in milliseconds. A larger difference means that the clock was changed.
const maxAhead = 60_000

// newOperationAfter is newOperation for a target whose last operation is known. It
// avoids a search for a free date if the target has many operations in a second.
func newOperationAfter(m *command.Meta, last int64, a *accountState, t OperationType, target ...string) *Operation {
	prefix := operationTarget(append([]string{string(m.Account)}, target...)...)
	date := m.Now
	if last >= date && last-date < maxAhead {
		date = last + 1
	}
	for a.operations.Has(operationTime(date) + prefix) {
		date++
	}
	return &Operation{
		ID:      OperationID(prefix + "-" + operationTime(date)),
		Account: m.Account, Type: t, Date: date,
	}
}

// storedOperation is the record of an operation as it is stored, or for a part of a record
// what refTo returns. There are too many operations to keep each as a struct.
type storedOperation string

// operation decodes the operation that a record is of.
func (o storedOperation) operation(account command.AccountID, key string) *Operation {
	op := &Operation{ID: operationIDOf(key), Account: account}
	op.decode([]byte(o)) // its encoding was checked by Decode
	return op
}

// operation returns an operation by its key.
func (a *accountState) operation(account command.AccountID, key string) (*Operation, bool) {
	stored, ok := a.operations.Get(key)
	if !ok {
		return nil, false
	}
	r := operationReader{accountState: a}
	return r.read(account, key, stored)
}

// requestKey identifies a request by its id and target. The target of a creation is
// always new, so the id is enough.
type requestKey [16]byte

// requestKey returns the key of the request, or false if it has no id.
func (op *Operation) requestKey() (requestKey, bool) {
	if op.CreatorRequestID == "" {
		return requestKey{}, false
	}
	target := string(op.ID[:operationTargetLen])
	if op.Type == CreateNamespaceOperation {
		target = ""
	}
	sum := hashOf(string(op.Type), target, op.CreatorRequestID)
	return requestKey(sum[:]), true
}

// at returns the key of the index for an operation at a time.
func (k requestKey) at(time string) string { return string(k[:]) + time }

// duplicateOf returns the successful operation of an earlier call with the same
// request id on the same target, if it is still stored.
func (a *accountState) duplicateOf(op *Operation) (*Operation, bool) {
	previous, ok := a.previous(op)
	return previous, ok && !previous.Failed
}

// failOperation returns a decision that stores a failed operation. A retry with the
// same request id returns the first failure while the cause persists.
func (a *accountState) failOperation(op *Operation) command.Decision {
	if previous, ok := a.previous(op); ok && previous.Failed && previous.fingerprint == op.fingerprint {
		return command.Decision{Reply: command.Reply{ID: string(previous.ID)}}
	}
	return command.Decision{Changes: []command.Change{putOperation{op}}, Reply: command.Reply{ID: string(op.ID)}}
}

// previous returns the newest operation of the same request, if it is still stored.
func (a *accountState) previous(op *Operation) (*Operation, bool) {
	request, ok := op.requestKey()
	if !ok {
		return nil, false
	}
	for indexed, key := range a.operationByRequest.Before(request.at("\xff")) {
		if indexed[:len(request)] != string(request[:]) {
			break
		}
		return a.operation(op.Account, key)
	}
	return nil, false
}

// Operation returns an operation of the account.
func (s *State) Operation(account command.AccountID, id OperationID) (*Operation, error) {
	if key, ok := operationKey(id); ok {
		if op, found := s.account(account).operation(account, key); found {
			return op, nil
		}
	}
	return nil, &OperationNotFound{ID: id}
}

// ExpireOperations deletes old operations of all accounts, oldest first. Those that share a
// record go together, when the turn of the carrier comes. Reply.Count is their number.
type ExpireOperations struct {
	Before int64 // milliseconds since 1970
	Max    int   // at most so many, but for those that share a record with the last one
}

func (c *ExpireOperations) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s, _ := stateOf(v)
	var d command.Decision
	before := operationTime(c.Before)
	for _, a := range s.accounts.All() {
		over := 0
		if limit := v.Quota(a.id, &quotaOperations); limit > 0 {
			over = a.operations.Len() - limit
		}
		for key, stored := range a.operations.All() {
			if d.Reply.Count >= c.Max || over <= 0 && strings.Compare(key, before) >= 0 {
				break
			}
			if stored.isPart() {
				continue
			}
			n := 1 + stored.countParts()
			over -= n
			d.Reply.Count += n
			d.Changes = append(d.Changes, deleteOperation{a.id, operationIDOf(key)})
		}
	}
	return d, nil
}

// Operations yields the operations of the account, newest first, from the one
// before the given id; the empty id means all. Operations of namespaces that
// are gone are left out, as AWS does, but not the failed attempts to create one;
// so are those of namespaces that are not shared with the account any more.
func (s *State) Operations(r *Rules, account command.AccountID, before OperationID) iter.Seq2[OperationID, *Operation] {
	a := s.account(account)
	all := a.operations.Backward()
	if key, ok := operationKey(before); ok {
		all = a.operations.Before(key)
	}
	return func(yield func(OperationID, *Operation) bool) {
		entries := operationReader{accountState: a}
		for key, stored := range all {
			op, ok := entries.read(account, key, stored)
			if ok && op.listed(s, r) && !yield(op.ID, op) {
				return
			}
		}
	}
}

func (op *Operation) listed(s *State, r *Rules) bool {
	if op.Type == CreateNamespaceOperation && op.Failed {
		return true
	}
	_, ok := s.visible(r, op.Account, op.OwnerAccount(), op.Namespace)
	return ok
}
