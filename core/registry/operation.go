package registry

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// OperationType says what an operation does.
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

// Operation is the record of an asynchronous call. Here the work is done when
// the call returns, so an operation has ended when it is first seen.
type Operation struct {
	ID      OperationID
	Account command.AccountID
	Type    OperationType
	// Failed says that the work could not be done; ErrorCode and ErrorMessage
	// say why, and are empty otherwise.
	Failed                  bool
	ErrorCode, ErrorMessage string
	// Date is when the operation was created and ended, in milliseconds.
	Date int64
	// Namespace, Service and Instance are what it concerns, the empty string
	// where it concerns none.
	Namespace        NamespaceID
	Service          ServiceID
	Instance         InstanceID
	CreatorRequestID string

	fingerprint uint64
	owner       command.AccountID // of the namespace, where that is not Account
}

// Targets yields what the operation works on, by the names of the API.
func (op *Operation) Targets() map[string]string {
	switch {
	case op.Instance != "":
		return map[string]string{"INSTANCE": string(op.Instance), "SERVICE": string(op.Service)}
	case op.Service != "":
		return map[string]string{"SERVICE": string(op.Service)}
	}
	return map[string]string{"NAMESPACE": string(op.Namespace)}
}

// Status is SUCCESS or FAIL.
func (op *Operation) Status() string {
	if op.Failed {
		return "FAIL"
	}
	return "SUCCESS"
}

func (op *Operation) fail(code, message string) {
	op.Failed, op.ErrorCode, op.ErrorMessage = true, code, message
}

// operation begins an operation on a target. Its id holds the time in
// milliseconds, so the second one of a millisecond is dated a little later.
func newOperation(m *command.Meta, a *Account, t OperationType, target ...string) *Operation {
	return newOperationAfter(m, 0, a, t, target...)
}

// maxAhead is how far the dates of a target's operations may be ahead of the
// clock, in milliseconds, for it to be many operations and not another clock.
const maxAhead = 60_000

// operationAfter is operation where the target had one at last already. Without
// it, each of many operations within a second would have to step over all those
// before it.
func newOperationAfter(m *command.Meta, last int64, a *Account, t OperationType, target ...string) *Operation {
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

// storedOperation is an operation as it stands in a store: there are too many
// of them to keep each as a struct.
type storedOperation string

func (o storedOperation) operation(account command.AccountID, key string) *Operation {
	op := &Operation{ID: operationIDOf(key), Account: account}
	op.decode([]byte(o)) // checked when it was applied
	return op
}

// requestKey names a request by its id and target. The target of a creation is
// new each time, so its id is enough.
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

// repeated returns the operation that an earlier call with the same request id
// began on the same target, if it succeeded and is still remembered.
func (a *Account) repeated(op *Operation) (*Operation, bool) {
	earlier, ok := a.earlier(op)
	return earlier, ok && !earlier.Failed
}

// refusal is the decision on an operation that fails. The same request finds the
// operation of its first failure again, for as long as it would fail anew.
func (a *Account) refusal(op *Operation) command.Decision {
	if earlier, ok := a.earlier(op); ok && earlier.Failed && earlier.fingerprint == op.fingerprint {
		return command.Decision{Reply: command.Reply{ID: string(earlier.ID)}}
	}
	return command.Decision{Changes: []command.Change{putOperation{op}}, Reply: command.Reply{ID: string(op.ID)}}
}

// earlier returns the latest operation of the same request, if it is remembered.
func (a *Account) earlier(op *Operation) (*Operation, bool) {
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

// ExpireOperations forgets operations, oldest first, of all accounts.
type ExpireOperations struct {
	Before int64 // milliseconds since 1970
	Max    int   // how many at the most
}

func (c *ExpireOperations) Decide(v command.View, _ *command.Meta) (command.Decision, error) {
	s, _ := of(v)
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
