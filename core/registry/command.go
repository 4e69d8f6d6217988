package registry

// Command is a request to change the registry: one of the exported structs of
// this package with a decide method.
type Command interface {
	decide(s *State, r *Rules, m *Meta) (Decision, error)
}

// Decision is what a command comes to.
type Decision struct {
	// Changes make the next State. None means that nothing has to change.
	Changes []Change
	// Reads are the keys on which the decision rests: it holds only as long as
	// none of them has changed.
	Reads []Read
	Reply Reply
}

// Read is a key of the store that a decision rests on.
type Read struct {
	Key    string
	Exists bool
}

// Reply is what the caller is told.
type Reply struct {
	// Operation is set for what the API calls asynchronous.
	Operation OperationID
	// Service is set by CreateService.
	Service *Service
	// Deleted counts what ExpireOperations and SettleHealth dealt with.
	Count int
}

// Decide says what a command comes to in the given State: changes and a reply,
// or one of the error types of this package. It changes nothing.
func Decide(s *State, r *Rules, m Meta, c Command) (Decision, error) {
	return c.decide(s, r, &m)
}
