package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cairn-discovery/cairn/internal/zaplog"
)

const (
	joinPause    = 500 * time.Millisecond
	promotePause = 100 * time.Millisecond
	callTimeout  = 5 * time.Second
	// maxMembers bounds the answer of a node about its cluster.
	maxMembers = 1 << 20
)

// join adds this node to a cluster as a learner and returns the members for the
// configuration of the server. It tries until it succeeds, for as long as the error can
// pass.
func (s *Store) join(ctx context.Context, self string) (initial string, learner bool, err error) {
	for ctx.Err() == nil {
		initial, learner, err = s.tryJoin(ctx, self)
		if err == nil {
			err = s.known(ctx, initial, self)
		}
		if err == nil || errors.Is(err, errJoin) {
			return initial, learner, err
		}
		s.log.Warn("this node cannot join yet; trying again", "join", s.cfg.Join, "err", err)
		pause(ctx, joinPause)
	}
	return "", false, ctx.Err()
}

// errJoin is an error that does not pass.
var errJoin = errors.New("cluster: cannot join")

func (s *Store) tryJoin(ctx context.Context, self string) (string, bool, error) {
	client, err := s.dial(ctx)
	if err != nil {
		return "", false, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	list, err := client.MemberList(ctx)
	if err != nil {
		return "", false, err
	}
	for _, m := range list.Members {
		switch same := slices.Contains(m.PeerURLs, self); {
		case m.Name == s.cfg.Name && !same:
			return "", false, fmt.Errorf("%w: the name %s is that of the node at %s; remove that node first (cairn nodes remove), or use another name",
				errJoin, m.Name, strings.Join(m.PeerURLs, ","))
		case same && m.Name == "":
			return s.initialCluster(list.Members, self), m.IsLearner, nil // added before
		case same:
			// It was a member and its folder is empty: its vote must not count on what
			// it has forgotten.
			s.log.Warn("this node was a member and has lost its data; replacing it", "id", fmt.Sprintf("%x", m.ID))
			if _, err := client.MemberRemove(ctx, m.ID); err != nil {
				return "", false, err
			}
		}
	}
	added, err := client.MemberAddAsLearner(ctx, []string{self})
	if err != nil {
		return "", false, err
	}
	return s.initialCluster(added.Members, self), true, nil
}

// initialCluster lists the members as NAME=URL. A member that has not started has no
// name, and only this node is one.
func (s *Store) initialCluster(members []*pb.Member, self string) string {
	var all []string
	for _, m := range members {
		name := m.Name
		if slices.Contains(m.PeerURLs, self) {
			name = s.cfg.Name
		}
		for _, u := range m.PeerURLs {
			if name != "" {
				all = append(all, name+"="+u)
			}
		}
	}
	return strings.Join(all, ",")
}

// known checks that every other member knows this one: the server asks any of them when
// it starts, and a member may learn of another one a moment later.
func (s *Store) known(ctx context.Context, initial, self string) error {
	for member := range strings.SplitSeq(initial, ",") {
		_, peer, _ := strings.Cut(member, "=")
		if peer == self {
			continue
		}
		members, err := s.membersAt(ctx, peer)
		if err != nil {
			s.log.Debug("a member does not answer", "url", peer, "err", err)
			continue
		}
		if !slices.ContainsFunc(members, func(m peerMember) bool { return slices.Contains(m.PeerURLs, self) }) {
			return fmt.Errorf("the member at %s does not know this one yet", peer)
		}
	}
	return nil
}

// dial returns a client of the nodes to join.
func (s *Store) dial(ctx context.Context) (*clientv3.Client, error) {
	var errs []error
	for _, addr := range s.cfg.Join {
		if addr == s.cfg.Addr {
			continue
		}
		endpoints, err := s.clientURLs(ctx, addr)
		if err != nil {
			errs = append(errs, fmt.Errorf("node %s: %w", addr, err))
			continue
		}
		return s.client(endpoints)
	}
	return nil, errors.Join(append(errs, errors.New("no node to join answers"))...)
}

func (s *Store) client(endpoints []string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{
		Endpoints: endpoints, TLS: s.tls, DialTimeout: callTimeout, Logger: zaplog.New(s.log.With("part", "etcd client")),
	})
}

// peerMember is one member in the answer of a node.
type peerMember struct {
	PeerURLs   []string `json:"peerURLs"`
	ClientURLs []string `json:"clientURLs"`
	IsLearner  bool     `json:"isLearner"`
}

// clientURLs asks a node for the client URLs of the voters.
func (s *Store) clientURLs(ctx context.Context, addr string) ([]string, error) {
	members, err := s.membersAt(ctx, s.scheme()+"://"+addr)
	if err != nil {
		return nil, err
	}
	var all []string
	for _, m := range members {
		if !m.IsLearner {
			all = append(all, m.ClientURLs...)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("it knows no voter")
	}
	return all, nil
}

// membersAt asks the member at a URL for all members.
func (s *Store) membersAt(ctx context.Context, url string) ([]peerMember, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/members", nil)
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{TLSClientConfig: s.tls}
	defer transport.CloseIdleConnections()
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its answer is %s", resp.Status)
	}
	var members []peerMember
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxMembers)).Decode(&members); err != nil {
		return nil, fmt.Errorf("its list of members: %w", err)
	}
	return members, nil
}

// promote makes this node a voter as soon as it has caught up, and waits until it knows.
func (s *Store) promote(ctx context.Context, id uint64, learner func() bool) error {
	for ctx.Err() == nil {
		err := s.tryPromote(ctx, id)
		if err == nil && !learner() {
			s.log.Info("this node is a voter of the cluster")
			return nil
		}
		s.log.Debug("this node is not a voter yet", "err", err)
		pause(ctx, promotePause)
	}
	return ctx.Err()
}

func (s *Store) tryPromote(ctx context.Context, id uint64) error {
	client, err := s.dial(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err = client.MemberPromote(ctx, id)
	if errors.Is(err, rpctypes.ErrMemberNotLearner) {
		return nil // an attempt before this one was made
	}
	return err
}
