package tsig

// What tests need.
const (
	BadSig   = badSig
	BadKey   = badKey
	BadTime  = badTime
	BadTrunc = badTrunc
)
