// Package identity is the slice of accounts, users with their access keys, groups,
// roles and policies. It also has the sessions of roles.
//
// It is pure. Identities come from two places, the configuration file and the store,
// each as a Source. Compile makes a Directory of them, which finds the owner of an
// access key and its permissions. State has the stored identities.
//
// Names and ARNs are those of AWS IAM. docs/identity.md lists the supported parts.
package identity

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"github.com/cairn-discovery/cairn/core/arn"
	"github.com/cairn-discovery/cairn/core/command"
)

// User is a person or a program with access keys.
type User struct {
	Account, Name string
	// UniqueID identifies this user among all users that had its name. It is empty for
	// a user of the configuration file or of an earlier version: then it depends on
	// the name alone. PutUser sets it.
	UniqueID string   `json:"-"`
	Groups   []string // names of groups of the same account
	PolicyAttachments
	Tags map[string]string
}

// Group gives its policies to its users.
type Group struct {
	Account, Name     string
	PolicyAttachments // without a boundary
}

// Role has permissions that other principals can assume for a limited time.
type Role struct {
	Account, Name string
	// UniqueID is as in User. PutRole sets it.
	UniqueID string `json:"-"`
	// Trust is the trust policy in JSON: the principals that may assume the role.
	Trust string
	// MaxSession is the longest session in seconds; 0 means an hour.
	MaxSession int64
	PolicyAttachments
	Tags map[string]string
}

// Policy is a policy of an account that is attached by name.
type Policy struct{ Account, Name, Text string }

// PolicyAttachments are the policies that a user, group or role has.
type PolicyAttachments struct {
	Inline []Inline
	// Managed are AWS managed policies and policies of the account, by name or ARN.
	Managed []string
	// Boundary is the permissions boundary, by name or ARN; empty means none.
	Boundary string
}

// Inline is a policy of a single user, group or role.
type Inline struct{ Name, Text string }

// AccessKey is a key that a user signs requests with.
type AccessKey struct {
	ID, Account, User string
	// UserID is the UniqueID of the user that got the key. It is empty for a key of
	// the configuration file or of an earlier version. PutKey sets it.
	UserID string `json:"-"`
	// Secret is the plain secret of a key of the configuration file. Keys of the
	// store have Sealed instead.
	Secret string
	Sealed []byte
	// Inactive keys cannot be used.
	Inactive bool
	Created  int64 // milliseconds since 1970; 0 if unknown
}

// Source has the identities of one place.
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

// PolicyARN returns the ARN of a policy of an account.
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

// ValidateName returns an error if name is not a valid name of at most max characters.
func ValidateName(name string, max int) error {
	if name == "" || len(name) > max {
		return fmt.Errorf("must have 1 to %d characters", max)
	}
	for _, c := range name {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("_+=,.@-", c)) {
			return errors.New("must be letters, digits and _+=,.@- only")
		}
	}
	return nil
}

// Prefixes of unique ids.
const (
	userIDPrefix = "AIDA"
	roleIDPrefix = "AROA"
)

// derivedID returns an id in the form of IAM that depends on the ARN alone.
func derivedID(prefix, arn string) string {
	sum := sha256.Sum256([]byte(arn))
	return uniqueID(prefix, sum[:])
}

// uniqueID returns an id in the form of IAM of at least 11 bytes.
func uniqueID(prefix string, b []byte) string {
	return prefix + base32.StdEncoding.EncodeToString(b[:11])[:17]
}
