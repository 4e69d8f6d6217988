package replica

import "github.com/cairn-discovery/cairn/core/command"

// bundle is a record that several changes of a batch share, by the name of the changes.
type bundle struct {
	key     string
	last    command.Change // that was put into it
	changes int
}

const (
	// bundleChanges and bundleBytes bound a record that changes share, so that it stays far
	// below the limits of stores and is deleted when its changes are about equally old.
	bundleChanges = 32
	bundleBytes   = 64 << 10
)

// bundle puts changes of a decision into the records of earlier ones, where they may share
// them. It comes before everything that depends on the keys of the changes.
func (b *batch) bundle(d command.Decision) {
	for i, c := range d.Changes {
		own, ok := c.(command.Bundled)
		if !ok {
			continue
		}
		name := own.Bundle()
		if name == "" {
			continue
		}
		open := b.bundles[name]
		if b.hasRoom(open) {
			d.Changes[i], d.Keys[i] = own.In(open.last), open.key
			b.bundles[name] = bundle{open.key, d.Changes[i], open.changes + 1}
		} else {
			b.bundles[name] = bundle{d.Keys[i], own, 1}
		}
	}
}

// hasRoom reports whether one more change may share a record. A record that the decision at
// hand has begun is not among the writes yet.
func (b *batch) hasRoom(open bundle) bool {
	if open.changes == 0 || open.changes >= bundleChanges {
		return false
	}
	w, ok := b.written[open.key]
	return !ok || !b.txn.Writes[w.index].Delete && len(b.txn.Writes[w.index].Value) < bundleBytes
}

// appendTo appends to the value of an earlier write.
func (b *batch) appendTo(key string, value []byte) {
	w := &b.txn.Writes[b.written[key].index]
	w.Value = append(w.Value, value...) // the first time this copies it out of b.values
}
