package mesh

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/record"
)

// Fields of a record. The numbers are permanent: add new ones, never change existing
// ones. The spec is JSON with the names of the API, so that it can have members which
// this version does not know.
const (
	fieldUID = iota + 1
	fieldVersion
	fieldCreated
	fieldUpdated
	fieldAccount // left out if it is the owner of the mesh
	fieldSpec
	fieldTag
	fieldToken
	fieldSharedWith
)

// specText returns a spec as it is stored.
func specText(s Spec) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("mesh: spec %T: %v", s, err)) // it has no channels, functions or cycles
	}
	return string(text)
}

func (r *Resource) encode(b []byte) []byte {
	b = record.AppendString(b, fieldUID, r.UID)
	b = record.AppendUint(b, fieldVersion, uint64(r.Version))
	b = record.AppendUint(b, fieldCreated, uint64(r.Created))
	b = record.AppendUint(b, fieldUpdated, uint64(r.Updated))
	if r.Account != r.Ref.Owner {
		b = record.AppendString(b, fieldAccount, r.Account)
	}
	b = record.AppendString(b, fieldSpec, r.text)
	for _, t := range r.Tags {
		b = record.AppendNested(b, fieldTag, func(b []byte) []byte {
			return record.AppendString(record.AppendString(b, 1, t.Key), 2, t.Value)
		})
	}
	for _, t := range r.tokens {
		b = record.AppendNested(b, fieldToken, func(b []byte) []byte {
			b = record.AppendString(record.AppendString(b, 1, t.text), 2, t.hash)
			return record.AppendUint(record.AppendUint(b, 3, uint64(t.version)), 4, uint64(t.time))
		})
	}
	for _, account := range r.sharedWith {
		b = record.AppendString(b, fieldSharedWith, account)
	}
	return append(b, r.others...)
}

func (r *Resource) decode(value []byte) error {
	r.Spec, r.Account = r.Ref.Kind.NewSpec(), r.Ref.Owner
	if r.Spec == nil {
		return errors.New("unknown kind of resource")
	}
	return record.Each(value, r.decodeField)
}

func (r *Resource) decodeField(f record.Field) error {
	switch f.Number {
	case fieldUID:
		r.UID = string(f.Bytes)
	case fieldVersion:
		r.Version = int64(f.Uint)
	case fieldCreated:
		r.Created = int64(f.Uint)
	case fieldUpdated:
		r.Updated = int64(f.Uint)
	case fieldAccount:
		r.Account = command.AccountID(f.Bytes)
	case fieldSpec:
		r.text = string(f.Bytes)
		return json.Unmarshal(f.Bytes, r.Spec)
	case fieldTag:
		texts, _, err := decodeNested(f.Bytes)
		r.Tags = append(r.Tags, Tag{texts[0], texts[1]})
		return err
	case fieldSharedWith:
		r.sharedWith = append(r.sharedWith, command.AccountID(f.Bytes))
	case fieldToken:
		texts, numbers, err := decodeNested(f.Bytes)
		r.tokens = append(r.tokens, token{texts[0], texts[1], numbers[2], numbers[3]})
		return err
	default:
		r.others = record.AppendField(r.others, f)
	}
	return nil
}

// decodeNested returns the texts and numbers of the fields 1 to 4, at their number less
// one.
func decodeNested(value []byte) (texts [4]string, numbers [4]int64, err error) {
	fields := record.NewReader(value)
	for f, ok := fields.Next(); ok; f, ok = fields.Next() {
		if i := f.Number - 1; i >= 0 && i < len(texts) {
			texts[i], numbers[i] = string(f.Bytes), int64(f.Uint)
		}
	}
	return texts, numbers, fields.Err()
}
