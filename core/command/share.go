package command

import "slices"

// maxConsumers is the highest number of accounts that one thing is shared with.
const maxConsumers = 1000

// Consumers returns the accounts that something of an owner is shared with, in order,
// after accounts were added to them or, with stop, removed. What is the kind of the thing,
// such as "a mesh". An account that is malformed or the owner is an error, and so are more
// than 1,000. The argument old is not changed.
func Consumers(what string, old []AccountID, owner AccountID, accounts []AccountID, stop bool) ([]AccountID, error) {
	next := slices.Clone(old)
	for _, account := range accounts {
		if !account.Valid() {
			return nil, Invalid("%q is not the id of another account: an id has twelve digits", account)
		}
		if account == owner {
			return nil, Invalid("%q is not the id of another account: it is the owner", account)
		}
		next = slices.DeleteFunc(next, func(a AccountID) bool { return a == account })
		if !stop {
			next = append(next, account)
		}
	}
	if len(next) > maxConsumers {
		return nil, &LimitExceeded{What: "accounts that " + what + " is shared with", Limit: maxConsumers}
	}
	slices.Sort(next)
	return next, nil
}
