package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/etcdserver"

	"github.com/cairn-discovery/cairn/store"
)

// Peer is one member of the cluster.
type Peer struct {
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

// Peers returns the members of the cluster as this node knows them, in order of their
// names. It needs no majority.
func (s *Store) Peers(ctx context.Context) ([]Peer, error) {
	return s.peers(ctx, clientv3.WithSerializable())
}

func (s *Store) peers(ctx context.Context, options ...clientv3.OpOption) ([]Peer, error) {
	inner, err := s.get()
	if err != nil {
		return nil, err
	}
	client := inner.Client()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, err := client.MemberList(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnreachable, err)
	}
	status, err := client.Status(ctx, client.Endpoints()[0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrUnreachable, err)
	}
	var all []Peer
	for _, m := range list.Members {
		p := Peer{ID: fmt.Sprintf("%x", m.ID), Name: m.Name, Learner: m.IsLearner, Leader: m.ID == status.Leader}
		for _, u := range m.PeerURLs {
			_, addr, _ := strings.Cut(u, "://")
			p.Addrs = append(p.Addrs, addr)
		}
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Peer) int { return strings.Compare(a.Name+"\x00"+a.ID, b.Name+"\x00"+b.ID) })
	return all, nil
}

// AddPeer adds a node that will start with this address, as HOST:PORT, and join. It
// follows the cluster as a learner and becomes a voter when it has caught up. A node that
// was added and has not started is added again without an error.
func (s *Store) AddPeer(ctx context.Context, addr string) error {
	inner, err := s.get()
	if err != nil {
		return err
	}
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("cluster: the address of the node: %w", err)
	}
	peers, err := s.peers(ctx)
	if err != nil {
		return err
	}
	for _, p := range peers {
		switch here := slices.Contains(p.Addrs, addr); {
		case here && p.Name == "":
			return nil
		case here:
			return fmt.Errorf("cluster: the node %s has the address %s", p.Name, addr)
		case p.Learner:
			return fmt.Errorf("cluster: the node at %s is being added: start it, or remove it (%s), before the next one", strings.Join(p.Addrs, ","), p.ID)
		}
	}
	return whenHealthy(ctx, func(ctx context.Context) error {
		_, err := inner.Client().MemberAddAsLearner(ctx, []string{s.scheme() + "://" + addr})
		return err
	})
}

// whenHealthy makes a change of the members. The server refuses some until all nodes that
// are needed have been connected for five seconds.
func whenHealthy(ctx context.Context, change func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, changeTimeout)
	defer cancel()
	for {
		err := change(ctx)
		if !errors.Is(err, rpctypes.ErrUnhealthy) || ctx.Err() != nil {
			return err
		}
		pause(ctx, joinPause)
	}
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
	i := slices.IndexFunc(peers, func(p Peer) bool { return p.Name == nameOrID || p.ID == nameOrID })
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
	return whenHealthy(ctx, func(ctx context.Context) error {
		_, err := inner.Client().MemberRemove(ctx, id)
		return err
	})
}

// changeTimeout is how long a change of the members waits.
const changeTimeout = 15 * time.Second

// updateAddr tells the other nodes that the address of this one has changed since it was a
// member. It tries until it succeeds or ctx ends.
func (s *Store) updateAddr(ctx context.Context, server *etcdserver.EtcdServer) error {
	self := s.peerURL()
	for ctx.Err() == nil {
		m := server.Cluster().Member(server.MemberID())
		if m == nil || slices.Equal(m.PeerURLs, []string{self}) {
			return nil
		}
		err := s.tryUpdateAddr(ctx, uint64(m.ID), self)
		if err == nil {
			s.log.Info("the address of this node has changed", "before", m.PeerURLs, "now", self)
			return nil
		}
		s.log.Warn("the other nodes do not know the new address of this one yet; trying again", "before", m.PeerURLs, "now", self, "err", err)
		pause(ctx, joinPause)
	}
	return nil
}

func (s *Store) tryUpdateAddr(ctx context.Context, id uint64, self string) error {
	inner, err := s.wait(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err = inner.Client().MemberUpdate(ctx, id, []string{self})
	return err
}
