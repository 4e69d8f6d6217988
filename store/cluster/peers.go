package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"

	"github.com/cairn-discovery/cairn/store"
)

// peer is one member of the cluster.
type peer struct {
	// ID identifies the member in hexadecimal digits. It is never used again.
	ID string
	// Name is empty as long as the member has not started.
	Name string
	// Addrs are where the other nodes reach it, as HOST:PORT.
	Addrs []string
	// Learner means that it follows and does not vote yet.
	Learner bool
	// Leader means that it is the leader.
	Leader bool
}

// peers returns the members of the cluster, in order of their names.
func (s *Store) peers(ctx context.Context) ([]peer, error) {
	inner, err := s.get()
	if err != nil {
		return nil, err
	}
	client := inner.Client()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, err := client.MemberList(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnreachable, err)
	}
	status, err := client.Status(ctx, client.Endpoints()[0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnreachable, err)
	}
	var all []peer
	for _, m := range list.Members {
		p := peer{ID: fmt.Sprintf("%x", m.ID), Name: m.Name, Learner: m.IsLearner, Leader: m.ID == status.Leader}
		for _, u := range m.PeerURLs {
			_, addr, _ := strings.Cut(u, "://")
			p.Addrs = append(p.Addrs, addr)
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b peer) int { return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID) })
	return all, nil
}

// ErrNoPeer means that there is no such member.
var ErrNoPeer = errors.New("cluster: no such node")

// RemovePeer removes a member by its name or id. The node, if it runs, stops. The
// cluster refuses to remove one that it needs for a majority.
func (s *Store) RemovePeer(ctx context.Context, nameOrID string) error {
	peers, err := s.peers(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(peers, func(p peer) bool { return p.Name == nameOrID || p.ID == nameOrID })
	if i < 0 {
		return fmt.Errorf("%w: %s", ErrNoPeer, nameOrID)
	}
	if len(peers) == 1 {
		return errors.New("cluster: the only node cannot be removed")
	}
	inner, err := s.get()
	if err != nil {
		return err
	}
	var id uint64
	if _, err := fmt.Sscanf(peers[i].ID, "%x", &id); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, removeTimeout)
	defer cancel()
	for {
		_, err = inner.Client().MemberRemove(ctx, id)
		if !errors.Is(err, rpctypes.ErrUnhealthy) || ctx.Err() != nil {
			return err
		}
		pause(ctx, joinPause)
	}
}

// removeTimeout is how long a removal waits. The server refuses it until the nodes that
// stay have been connected for five seconds.
const removeTimeout = 15 * time.Second
