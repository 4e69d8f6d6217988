package task

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/registry"
)

// transaction makes one decision of several steps. Each step sees the changes of the
// steps before it, those in Cloud Map too. It is a command.View.
type transaction struct {
	view     command.View
	meta     command.Meta
	rules    *Rules
	own      *Draft
	cloud    *registry.Draft
	cloudMap *registry.Rules
	decision command.Decision
	// written are the keys of the changes so far: they are no preconditions.
	written map[string]bool
	ids     uint64
	// keep means that Cloud Map services of discovery blocks are not created.
	keep bool
}

// begin starts a decision.
func begin(v command.View, m *command.Meta) *transaction {
	s, r := stateOf(v)
	c, rules := v.Slice(registry.Slice{}.Name())
	return &transaction{
		view: v, meta: *m, rules: r, own: NewDraft(s), cloud: registry.NewDraft(c.(*registry.State)),
		cloudMap: rules.(*registry.Rules), written: map[string]bool{},
	}
}

// Slice implements command.View.
func (t *transaction) Slice(name string) (state, rules any) {
	switch name {
	case sliceName:
		return t.own.State(), t.rules
	case registry.Slice{}.Name():
		return t.cloud.State(), t.cloudMap
	}
	return t.view.Slice(name)
}

// Quota implements command.View.
func (t *transaction) Quota(account command.AccountID, q *command.Quota) int {
	return t.view.Quota(account, q)
}

// Quotas implements command.View.
func (t *transaction) Quotas() []*command.Quota { return t.view.Quotas() }

func (t *transaction) state() *State             { return t.own.State() }
func (t *transaction) registry() *registry.State { return t.cloud.State() }

// add adds changes to the decision.
func (t *transaction) add(changes ...command.Change) {
	for _, c := range changes {
		if !t.own.Apply(0, c) {
			t.cloud.Apply(0, c)
		}
		t.written[c.Key()] = true
	}
	t.decision.Changes = append(t.decision.Changes, changes...)
}

// read adds keys on which the decision rests.
func (t *transaction) read(reads ...command.Read) {
	for _, r := range reads {
		if !t.written[r.Key] {
			t.decision.Reads = append(t.decision.Reads, r)
		}
	}
}

// call decides a command of an account and adds its decision. If it fails, nothing was
// added.
func (t *transaction) call(account command.AccountID, c command.Command) (command.Reply, error) {
	m := command.Meta{Account: account, Now: t.meta.Now, Entropy: t.entropy(), Writer: t.meta.Writer}
	d, err := c.Decide(t, &m)
	if err != nil {
		return command.Reply{}, err
	}
	t.read(d.Reads...)
	t.add(d.Changes...)
	return d.Reply, nil
}

// reply ends the transaction.
func (t *transaction) reply(value any) (command.Decision, error) {
	t.decision.Reply.Value = value
	return t.decision, nil
}

// entropy returns randomness that no other step of the command has.
func (t *transaction) entropy() [32]byte {
	t.ids++
	return sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte("task"), t.meta.Entropy[:]...), t.ids))
}

// newID returns 32 hexadecimal digits.
func (t *transaction) newID() string {
	e := t.entropy()
	return hex.EncodeToString(e[:16])
}

// newUUID returns a random UUID.
func (t *transaction) newUUID() string {
	e := t.entropy()
	e[6], e[8] = e[6]&0x0f|0x40, e[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", e[0:4], e[4:6], e[6:8], e[8:10], e[10:16])
}

// newNumber returns the number of a deployment, 19 digits.
func (t *transaction) newNumber() string {
	e := t.entropy()
	return fmt.Sprintf("%019d", binary.BigEndian.Uint64(e[:8])>>1)
}

// newDeploymentID returns the id of a service deployment.
func (t *transaction) newDeploymentID() string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
	e := t.entropy()
	id := make([]byte, 21)
	for i := range id {
		id[i] = digits[e[i]&63]
	}
	return string(id)
}

// putTask stores a changed task with the next version.
func (t *transaction) putTask(x *Task) {
	x.Version++
	t.add(tasks.Put(x))
}
