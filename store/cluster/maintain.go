package cluster

import (
	"context"
	"math/rand/v2"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
)

const (
	// maintainInterval is the time between two looks at the file of the server.
	maintainInterval = 10 * time.Minute
	// defragmentFrom is the size from which a file that is half empty is rewritten.
	defragmentFrom = 128 << 20
)

// maintain rewrites the file of the server when more than half of it is unused. Each
// node does it for itself, at a different time, because the server waits meanwhile.
func (s *Store) maintain(ctx context.Context, server *embed.Etcd) {
	endpoint := server.Config().AdvertiseClientUrls[0].String()
	for {
		pause(ctx, maintainInterval+rand.N(maintainInterval))
		if ctx.Err() != nil {
			return
		}
		if err := s.maintainOnce(ctx, endpoint); err != nil && ctx.Err() == nil {
			s.log.Warn("the file of the server was not looked after", "err", err)
		}
	}
}

func (s *Store) maintainOnce(ctx context.Context, endpoint string) error {
	inner, err := s.get()
	if err != nil {
		return err
	}
	client := inner.Client()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	status, err := client.Status(ctx, endpoint)
	if err != nil {
		return err
	}
	if status.DbSize >= defragmentFrom && status.DbSizeInUse < status.DbSize/2 {
		start := time.Now()
		if _, err := client.Defragment(ctx, endpoint); err != nil {
			return err
		}
		s.log.Info("the file of the server was rewritten", "bytes_before", status.DbSize, "bytes_used", status.DbSizeInUse,
			"duration", time.Since(start).Round(time.Millisecond))
	}
	return s.clearAlarm(ctx, client, status)
}

// clearAlarm ends the alarm of a full file after space was made.
func (s *Store) clearAlarm(ctx context.Context, client *clientv3.Client, status *clientv3.StatusResponse) error {
	if status.DbSizeInUse > quotaBytes*3/4 {
		return nil
	}
	list, err := client.AlarmList(ctx)
	if err != nil {
		return err
	}
	for _, a := range list.Alarms {
		if a.Alarm == pb.AlarmType_NOSPACE {
			s.log.Info("the alarm for lack of space is ended")
			if _, err := client.AlarmDisarm(ctx, &clientv3.AlarmMember{MemberID: a.MemberID, Alarm: a.Alarm}); err != nil {
				return err
			}
		}
	}
	return nil
}
