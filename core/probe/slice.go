package probe

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/health"
	"github.com/cairn-discovery/cairn/core/table"
	"github.com/cairn-discovery/cairn/internal/record"
)

var votes = &table.Kind[State, *Vote]{
	Prefix: "vote/",
	In:     func(s *State) *table.Map[*Vote] { return &s.votes },
	Name:   func(v *Vote) string { return v.Node + "/" + v.Check },
	New: func(name string) *Vote {
		node, check, _ := strings.Cut(name, "/")
		return &Vote{Node: node, Check: check}
	},
	Encode: (*Vote).encode, Decode: (*Vote).decode,
}

var series = &table.Kind[State, *Series]{
	Prefix: "series/",
	In:     func(s *State) *table.Map[*Series] { return &s.series },
	Name:   func(v *Series) string { return v.Check },
	New:    func(name string) *Series { return &Series{Check: name} },
	Encode: (*Series).encode, Decode: (*Series).decode,
}

// Slice describes votes and series to core/state.
func Slice() command.Slice[State] { return table.NewSlice("probe", nil, votes, series) }

// NewDraft returns a draft of a state.
func NewDraft(s *State) *table.Draft[State] { return table.NewDraft(s) }

// The field numbers are permanent: add new ones, never change existing ones.
const (
	fieldRegistered = iota + 1
	fieldCheck
	fieldVerdict // of a vote
	fieldAt      // the others are of a series
	fieldResults
	fieldPass
)

func (v *Version) encode(b []byte) []byte {
	b = record.AppendUint(b, fieldRegistered, uint64(v.Registered))
	return record.AppendUint(b, fieldCheck, v.Check)
}

func (v *Version) field(f record.Field) {
	switch f.Number {
	case fieldRegistered:
		v.Registered = int64(f.Uint)
	case fieldCheck:
		v.Check = f.Uint
	}
}

func (v *Vote) encode(b []byte) []byte {
	return record.AppendUint(v.Version.encode(b), fieldVerdict, uint64(v.Verdict))
}

func (v *Vote) decode(value []byte) error {
	r := record.NewReader(value)
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		if v.Version.field(f); f.Number == fieldVerdict && f.Uint <= uint64(health.Unhealthy) {
			v.Verdict = health.Verdict(f.Uint)
		}
	}
	return r.Err()
}

func (s *Series) encode(b []byte) []byte {
	b = record.AppendUint(s.Version.encode(b), fieldAt, uint64(s.At))
	b = record.AppendUint(b, fieldResults, uint64(s.Results))
	if s.Pass {
		b = record.AppendUint(b, fieldPass, 1)
	}
	return b
}

func (s *Series) decode(value []byte) error {
	r := record.NewReader(value)
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		s.Version.field(f)
		switch f.Number {
		case fieldAt:
			s.At = int64(f.Uint)
		case fieldResults:
			s.Results = uint8(min(f.Uint, 255))
		case fieldPass:
			s.Pass = f.Uint == 1
		}
	}
	return r.Err()
}
