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

// storedOperation is an encoded operation. There are too many operations to keep
// each as a struct.
type storedOperation string

func (o storedOperation) operation(account command.AccountID, key string) *Operation {
	op := &Operation{ID: operationIDOf(key), Account: account}
	op.decode([]byte(o)) // its encoding was checked by Decode
	return op
}

// requestKey identifies a request by its id and target. The target of a creation is
// always new, so the id is enough.
func (op *Operation) requestKey() string {
	if op.CreatorRequestID == "" {
		return ""
	}
	target := string(op.ID[:operationTargetLen])
	if op.Type == CreateNamespaceOperation {
		target = ""
	}
	sum := hashOf(string(op.Type), target, op.CreatorRequestID)
	return string(sum[:16])
}

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
	key, ok := a.operationByRequest.Get(op.requestKey())
	if !ok {
		return nil, false
	}
	stored, ok := a.operations.Get(key)
	if !ok {
		return nil, false
	}
	return stored.operation(op.Account, key), true
}

// Operation returns an operation of the account.
func (s *State) Operation(account command.AccountID, id OperationID) (*Operation, error) {
	key, ok := operationKey(id)
	if ok {
		if stored, found := s.account(account).operations.Get(key); found {
			return stored.operation(account, key), nil
		}
	}
	return nil, &OperationNotFound{ID: id}
}

// ExpireOperations deletes old operations of all accounts, oldest first. Reply.Count
// is their number.
type ExpireOperations struct {
	Before int64 // milliseconds since 1970
	Max    int   // at most so many
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
		for key := range a.operations.All() {
			if d.Reply.Count == c.Max || over <= 0 && strings.Compare(key, before) >= 0 {
				break
			}
			over--
			d.Reply.Count++
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
		for key, stored := range all {
			op := stored.operation(account, key)
			if op.listed(s, r) && !yield(op.ID, op) {
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
