package cluster

// ErrRemoved is errRemoved.
var ErrRemoved = errRemoved
