package etcd

import (
	"encoding/json"
	"slices"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/cairn-discovery/cairn/store"
)

// encode returns the request of a commit and the next value of the slot. It makes the
// messages itself, since the client's functions copy each of them several times.
func (s *Store) encode(b *base, lease clientv3.LeaseID, sl *slot, txn *store.Txn) (*pb.TxnRequest, string, error) {
	next, err := json.Marshal(marker{ID: randomID(), Deletes: s.unsureDeletes(txn)})
	if err != nil {
		return nil, "", err
	}
	r := &pb.TxnRequest{
		Compare: append(make([]*pb.Compare, 0, ownOps+2*len(txn.Preconditions)),
			&pb.Compare{Key: []byte(s.key(formatKey)), Target: pb.Compare_MOD, TargetUnion: &pb.Compare_ModRevision{ModRevision: b.changed}},
			sl.unchanged()),
		Success: make([]*pb.RequestOp, 0, len(txn.Writes)+1),
		Failure: []*pb.RequestOp{get(s.key(formatKey)), get(sl.key)},
	}
	before := &pb.Compare_ModRevision{ModRevision: b.etcd(txn.Base) + 1}
	for i := range txn.Preconditions {
		r.Compare = appendPrecondition(r.Compare, []byte(s.data(txn.Preconditions[i].Key)), before, &txn.Preconditions[i])
	}
	for _, w := range txn.Writes {
		if key := []byte(s.data(w.Key)); w.Delete {
			r.Success = append(r.Success, &pb.RequestOp{Request: &pb.RequestOp_RequestDeleteRange{RequestDeleteRange: &pb.DeleteRangeRequest{Key: key}}})
		} else {
			r.Success = append(r.Success, put(&pb.PutRequest{Key: key, Value: w.Value}))
		}
	}
	r.Success = append(r.Success, put(&pb.PutRequest{Key: []byte(sl.key), Value: next, Lease: int64(lease)}))
	if err := divide(r, s.maxTxnOps()); err != nil {
		return nil, "", err
	}
	return r, string(next), nil
}

// divide puts the operations of a transaction into transactions inside of it, if they are
// more than limit. They are done together all the same, and etcd counts less: a transaction
// inside may have what its parent leaves of the limit, whatever the ones beside it have
// (checkTxnRequest of etcd, since version 3.3).
func divide(r *pb.TxnRequest, limit int) error {
	outer := max(len(r.Compare), limit/2)
	inner := limit - outer
	switch {
	case len(r.Compare) > limit:
		return &store.SizeError{Have: len(r.Compare), Limit: limit, Setting: limitSetting}
	case len(r.Success) <= limit:
		return nil
	case len(r.Success) > outer*inner:
		return &store.SizeError{Have: len(r.Success), Limit: max(limit, outer*inner), Setting: limitSetting}
	}
	all := r.Success
	r.Success = make([]*pb.RequestOp, 0, outer)
	for part := range slices.Chunk(all, inner) {
		r.Success = append(r.Success, &pb.RequestOp{Request: &pb.RequestOp_RequestTxn{RequestTxn: &pb.TxnRequest{Success: part}}})
	}
	return nil
}

// limitSetting is what an operator changes to raise the limit of operations.
const limitSetting = "--max-txn-ops of etcd"

// appendPrecondition appends the comparisons of a precondition on a key; before is the
// first revision after the transaction's Base.
func appendPrecondition(compares []*pb.Compare, key []byte, before *pb.Compare_ModRevision, p *store.Precondition) []*pb.Compare {
	if p.Value != nil {
		return append(compares, &pb.Compare{Key: key, Target: pb.Compare_VALUE, TargetUnion: &pb.Compare_Value{Value: p.Value}})
	}
	compares = append(compares, &pb.Compare{Key: key, Target: pb.Compare_MOD, Result: pb.Compare_LESS, TargetUnion: before})
	if p.Exists { // the revision of a deleted key is 0
		compares = append(compares, &pb.Compare{Key: key, Target: pb.Compare_VERSION, Result: pb.Compare_GREATER, TargetUnion: &pb.Compare_Version{}})
	}
	return compares
}

func put(r *pb.PutRequest) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestPut{RequestPut: r}}
}

func get(key string) *pb.RequestOp {
	return &pb.RequestOp{Request: &pb.RequestOp_RequestRange{RequestRange: &pb.RangeRequest{Key: []byte(key)}}}
}

// unchanged compares the slot with what this process has written there.
func (sl *slot) unchanged() *pb.Compare {
	if sl.value == "" {
		return &pb.Compare{Key: []byte(sl.key), Target: pb.Compare_VERSION, TargetUnion: &pb.Compare_Version{}}
	}
	return &pb.Compare{Key: []byte(sl.key), Target: pb.Compare_VALUE, TargetUnion: &pb.Compare_Value{Value: []byte(sl.value)}}
}
