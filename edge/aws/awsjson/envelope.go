package awsjson

// Error is an answer that is an error.
type Error struct {
	// Code is the name that clients know the error by, such as InvalidInput.
	Code string
	// Status is the HTTP status: 400 for the client's faults, 5xx for ours. It is
	// not part of the body.
	Status int
	// Message is for people.
	Message string
	// Members are what else the error's shape has. Their names need no escapes.
	Members []Member
}

// Member is a further member of an error.
type Member struct{ Name, Value string }

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// AppendError appends the body of an error's answer. The message comes under both
// spellings that AWS's services use, since clients look for either.
func AppendError(b []byte, e *Error) []byte {
	b = append(b, '{')
	b = appendMember(b, "__type", e.Code)
	b = appendMember(b, "message", e.Message)
	b = appendMember(b, "Message", e.Message)
	for _, m := range e.Members {
		b = appendMember(b, m.Name, m.Value)
	}
	return append(b, '}')
}

func appendMember(b []byte, name, value string) []byte {
	return AppendString(AppendName(b, name), value)
}
