// Package hostedzone holds what the API of Route 53 manages: hosted zones, their record
// sets as their owners wrote them, health checks, the VPCs of private zones, tags and
// changes. It decides and applies; core/hostedzone/records turns the record sets into
// RRsets of core/zone.
//
// A zone of a namespace has records of its own in core/registry, and appears in the API
// beside these. Of such a zone this package keeps only the VPCs and tags that were added
// through the API of Route 53. DESIGN.md describes the model.
package hostedzone

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/dnssec"
	"github.com/cairn-discovery/cairn/core/dnswire"
	"github.com/cairn-discovery/cairn/core/rdata"
)

// ID is the id of a hosted zone, such as Z0123456789ABCDEFGHIJ, without a prefix.
type ID string

// HostedZone is immutable; a change makes a new one.
type HostedZone struct {
	ID      ID
	Account command.AccountID
	// Apex is the name in wire form and lower case.
	Apex            string
	CallerReference string
	Comment         string
	Private         bool
	VPCs            []VPC // of a private zone, at least one
	Created         int64 // milliseconds since 1970
	// Records is the number of record sets. It changes with every batch, so that two
	// batches for one zone cannot be decided on the same state.
	Records int
	// Batches counts the changes of record sets.
	Batches uint64
	// Delegated means that an operator delegated the name, which another account owns.
	Delegated bool
	// SigningKeys are the key-signing keys; see dnssec.go. Signing: the zone is signed.
	SigningKeys []SigningKey
	Signing     bool
}

// Name returns the name as in answers of the API: with escapes and the final dot.
func (z *HostedZone) Name() string { return rdata.Octal.Name(z.Apex) }

// VPC is a VPC in the API of Route 53.
type VPC struct{ ID, Region string }

// SigningKey is a key-signing key of a zone.
type SigningKey struct {
	Name, KMS       string
	CallerReference string
	Active          bool
	Key             dnssec.Key
	Changed         int64 // milliseconds since 1970
}

// Keys returns the keys that sign the zone: none if it is not signed.
func (z *HostedZone) Keys() dnssec.Keys {
	if !z.Signing {
		return nil
	}
	var keys dnssec.Keys
	for i := range z.SigningKeys {
		if z.SigningKeys[i].Active {
			keys = append(keys, z.SigningKeys[i].Key)
		}
	}
	return keys
}

// Reversed returns the name whose order is that of lists: the labels from the right, each
// as in answers of the API, each with a dot behind it. The name is in wire form and lower
// case.
func Reversed(name string) string {
	var labels [dnswire.MaxName/2 + 1]string
	n := 0
	for name[0] != 0 {
		labels[n] = name[:1+name[0]]
		name = name[len(labels[n]):]
		n++
	}
	b := make([]byte, 0, 64)
	for i := n - 1; i >= 0; i-- {
		b = rdata.Octal.AppendName(b, labels[i]+"\x00")
	}
	return string(b)
}

// ParseName returns the wire form of a name in a request, in lower case.
func ParseName(s string) (string, error) {
	name, err := rdata.Octal.ParseName(s)
	if err != nil {
		return "", err
	}
	return dnswire.Lowered(name), nil
}

// plainName returns the name as core/domain has it: without the final dot.
func plainName(apex string) string { return strings.TrimSuffix(dnswire.Text(apex), ".") }

// Change is a submitted change, for GetChange.
type Change struct {
	ID        string // such as C0123456789ABCDEFGHIJ
	Account   command.AccountID
	Comment   string
	Submitted int64 // milliseconds since 1970
}

// changeLife is how long a Change is kept, in milliseconds.
const changeLife = 24 * 60 * 60 * 1000

// Authorization lets the owner of a VPC associate it with a zone of another account.
type Authorization struct {
	Zone ID
	VPC  VPC
}

// association has the VPCs that the API of Route 53 added to the zone of a namespace.
type association struct {
	Zone ID
	VPCs []VPC
}

// Kinds of resources that have tags.
const (
	KindZone  = "hostedzone"
	kindCheck = "healthcheck"
)

// Tag is a tag of a zone or a health check.
type Tag struct{ Key, Value string }

// resourceTags are the tags of a resource, in order of their keys.
type resourceTags struct {
	Kind, ID string
	Tags     []Tag
}
