// Package arn reads and writes Amazon Resource Names:
//
//	arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE
//
// See "Identify AWS resources with Amazon Resource Names (ARNs)" in the IAM user
// guide. Which resources a service has is the business of its slice.
package arn

import (
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
)

// Partition is the only partition whose resources exist here.
const Partition = "aws"

// prefix starts every ARN.
const prefix = "arn:"

// ARN is an ARN taken apart. Region and Account are empty for resources that are
// global or have no owner.
type ARN struct {
	Partition string
	Service   string // such as servicediscovery
	Region    string
	Account   command.AccountID
	Resource  string // such as service/srv-1; it may contain colons and slashes
}

// Is reports whether text claims to be an ARN, and not a name or an id.
func Is(text string) bool { return strings.HasPrefix(text, prefix) }

// Parse takes an ARN apart. It returns false if text does not have the six parts.
func Parse(text string) (ARN, bool) {
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 || parts[0]+":" != prefix {
		return ARN{}, false
	}
	return ARN{parts[1], parts[2], parts[3], command.AccountID(parts[4]), parts[5]}, true
}

// Format returns the ARN of a resource in the partition aws.
func Format(service, region string, account command.AccountID, resource string) string {
	return prefix + Partition + ":" + service + ":" + region + ":" + string(account) + ":" + resource
}

// KindAndID splits a resource of the form KIND/ID at its first slash. It returns
// false for a resource of another form.
func (a ARN) KindAndID() (kind, id string, ok bool) { return strings.Cut(a.Resource, "/") }
