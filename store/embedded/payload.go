package embedded

import (
	"encoding/binary"
	"errors"

	"github.com/cairn-discovery/cairn/store"
)

// A payload is the transactions of a frame, one after the other:
//
//	transaction  uvarint number of writes, then the writes
//	write        uvarint length of the key × 2 + 1 if it deletes, the key,
//	             and unless it deletes uvarint length of the value, the value
//
// Every length is checked against the remaining bytes.

// Limits on what one transaction may hold. They keep a frame in one segment and
// bound the memory that reading it back takes.
const (
	// maxKey is the length of the longest key in bytes.
	maxKey = 64 << 10
	// maxTxn is the size of the largest transaction in bytes: keys, values and
	// some 10 bytes for each write.
	maxTxn = 16 << 20
)

var errPayload = errors.New("undecodable transaction")

// txnSize is at least the encoded length of a transaction.
func txnSize(txn *store.Txn) int {
	n := binary.MaxVarintLen32
	for i := range txn.Writes {
		n += 2*binary.MaxVarintLen32 + len(txn.Writes[i].Key) + len(txn.Writes[i].Value)
	}
	return n
}

// appendTxn encodes writes to buf. It appends to kept a copy of each write whose value
// lies in buf, so buf must have enough capacity.
func appendTxn(buf []byte, kept, writes []store.Write) ([]byte, []store.Write) {
	buf = binary.AppendUvarint(buf, uint64(len(writes)))
	for i := range writes {
		w := &writes[i]
		if w.Delete {
			buf = binary.AppendUvarint(buf, uint64(len(w.Key))<<1|1)
			buf = append(buf, w.Key...)
			kept = append(kept, store.Write{Key: w.Key, Delete: true})
			continue
		}
		buf = binary.AppendUvarint(buf, uint64(len(w.Key))<<1)
		buf = append(buf, w.Key...)
		buf = binary.AppendUvarint(buf, uint64(len(w.Value)))
		buf = append(buf, w.Value...)
		value := buf[len(buf)-len(w.Value) : len(buf) : len(buf)]
		kept = append(kept, store.Write{Key: w.Key, Value: value})
	}
	return buf, kept
}

// nextTxn parses the first transaction of a payload and appends its writes to into.
// Their values lie in the payload.
func nextTxn(payload []byte, into []store.Write) (writes []store.Write, rest []byte, err error) {
	count, rest, ok := takeUvarint(payload)
	// A write has at least one byte, so a larger count is invalid.
	if !ok || count > uint64(len(rest)) {
		return nil, nil, errPayload
	}
	for range count {
		var w store.Write
		if w, rest, ok = takeWrite(rest); !ok {
			return nil, nil, errPayload
		}
		into = append(into, w)
	}
	return into, rest, nil
}

func takeWrite(b []byte) (w store.Write, rest []byte, ok bool) {
	head, rest, ok := takeUvarint(b)
	if !ok {
		return w, nil, false
	}
	key, rest, ok := takeBytes(rest, head>>1)
	if !ok {
		return w, nil, false
	}
	w.Key, w.Delete = string(key), head&1 == 1
	if w.Delete {
		return w, rest, true
	}
	w.Value, rest, ok = takeSized(rest)
	return w, rest, ok
}

// takeSized takes a length and as many bytes.
func takeSized(b []byte) (value, rest []byte, ok bool) {
	n, rest, ok := takeUvarint(b)
	if !ok {
		return nil, nil, false
	}
	return takeBytes(rest, n)
}

func takeBytes(b []byte, n uint64) (taken, rest []byte, ok bool) {
	if n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n:n], b[n:], true
}

func takeUvarint(b []byte) (v uint64, rest []byte, ok bool) {
	v, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}
