package cluster

import "context"

// Peers returns the members of the cluster.
func (s *Store) Peers(ctx context.Context) ([]peer, error) { return s.peers(ctx) }

// ErrRemoved is errRemoved.
var ErrRemoved = errRemoved
