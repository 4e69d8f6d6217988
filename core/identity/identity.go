// Package identity holds who there is: accounts, users with their access keys,
// groups, roles and policies, and the sessions of roles.
//
// It is pure. What is known comes from two places, the configuration file and
// the store, as a Source each; Compile turns them into a Directory, which
// answers the questions of a request: whose is this key, what may they do. The
// part that is kept in the store is State, changed by Decide and Apply as in
// core/registry.
//
// Names and ARNs are those of AWS IAM. See docs/identity.md for what there is
// of it and what not.
package identity

import (
	"crypto/sha256"
	"encoding/base32"
	"fmt"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
)

// User is somebody, or something, with access keys of its own.
type User struct {
	Account, Name string
	Groups        []string // names of groups of the same account
	Attached
	Tags map[string]string
}

// Group lends its policies to its users.
type Group struct {
	Account, Name string
	Attached      // without a boundary
}

// Role is what others can become for a while.
type Role struct {
	Account, Name string
	// Trust is the policy that says who may, in JSON.
	Trust string
	// MaxSession is the longest session in seconds; 0 means an hour.
	MaxSession int64
	Attached
	Tags map[string]string
}

// Policy is a policy of an account that can be attached by name.
type Policy struct{ Account, Name, Text string }

// Attached are the policies that a user, group or role has.
type Attached struct {
	Inline []Inline
	// Managed are AWS managed policies and the account's own, by name or ARN.
	Managed []string
	// Boundary is the permissions boundary, by name or ARN; empty: none.
	Boundary string
}

// Inline is a policy of one user, group or role alone.
type Inline struct{ Name, Text string }

// AccessKey is what a user signs with.
type AccessKey struct {
	ID, Account, User string
	// Secret is in clear for a key of the configuration file, and empty for one
	// of the store, which has Sealed.
	Secret string
	Sealed []byte
	// Inactive keys are refused.
	Inactive bool
	Created  int64 // milliseconds since 1970; 0: not known
}

// Source is everything that one place knows.
type Source struct {
	Users    []User
	Groups   []Group
	Roles    []Role
	Policies []Policy
	Keys     []AccessKey
}

// UserARN returns the ARN of a user.
func UserARN(account, name string) string { return iamARN(account, "user/"+name) }

// RoleARN returns the ARN of a role.
func RoleARN(account, name string) string { return iamARN(account, "role/"+name) }

// PolicyARN returns the ARN of an account's own policy.
func PolicyARN(account, name string) string { return iamARN(account, "policy/"+name) }

// SessionARN returns the ARN of a session of a role.
func SessionARN(account, role, session string) string {
	return arn.Format("sts", "", command.AccountID(account), "assumed-role/"+role+"/"+session)
}

// ProviderARN returns the ARN of an OIDC provider, from its issuer's URL.
func ProviderARN(account, issuer string) string {
	return iamARN(account, "oidc-provider/"+strings.TrimPrefix(issuer, "https://"))
}

// RootARN returns the ARN of an account as a whole.
func RootARN(account string) string { return iamARN(account, "root") }

func iamARN(account, resource string) string {
	return arn.Format("iam", "", command.AccountID(account), resource)
}

// Limits of IAM.
const (
	maxUserName   = 64
	maxRoleName   = 64
	maxGroupName  = 128
	maxPolicyName = 128
	// MinSession and MaxSession bound a role's MaxSession, in seconds.
	MinSession = 3600
	MaxSession = 43200
)

// NameProblem says what keeps a text from being a name, or nothing.
func NameProblem(name string, most int) string {
	if name == "" || len(name) > most {
		return fmt.Sprintf("must have 1 to %d characters", most)
	}
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_+=,.@-", c)) {
			return "must be letters, digits and _+=,.@- only"
		}
	}
	return ""
}

// IsAccountID reports whether s is twelve digits.
func IsAccountID(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }

// uniqueID makes an id that looks like IAM's and stays the same for a name.
func uniqueID(prefix, arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return prefix + base32.StdEncoding.EncodeToString(sum[:11])[:17]
}
