package node

import (
	"encoding/json"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Auth says who may call the APIs.
type Auth struct {
	// Mode is open or sigv4. In open mode every call is allowed, so it is
	// accepted on loopback listeners only. With sigv4 every call must be signed
	// with a key of accounts, or of the store, and allowed by a policy.
	Mode string `yaml:"mode"`
	// SealKeyFile holds the key that session tokens, and access keys in the
	// store, are sealed with: 32 random bytes in base 64, the same on every
	// node. The environment variable CAIRN_SEAL_KEY gives the key itself
	// instead. Without a key no role can be assumed.
	SealKeyFile string `yaml:"seal_key_file"`
	// FailuresPerSecond is how many calls from one address (IPv6: one /64) may
	// fail to prove who they are from. Those beyond it are told Rate exceeded
	// and nothing else; calls that do prove it are always served. 0: no limit.
	FailuresPerSecond float64 `yaml:"failures_per_second"`
	// FailureBurst is how many of them may come at once.
	FailureBurst int `yaml:"failure_burst"`
}

// Account is one AWS account.
type Account struct {
	// ID is the account's twelve digits.
	ID string `yaml:"id"`
	// Users are the account's users.
	Users []User `yaml:"users"`
	// Groups lend their policies to users.
	Groups []Group `yaml:"groups"`
	// Roles can be assumed through STS.
	Roles []Role `yaml:"roles"`
	// Policies can be attached by name to users, groups and roles.
	Policies []NamedPolicy `yaml:"policies"`
	// OIDCProviders are issuers of tokens that the account's roles can trust.
	OIDCProviders []OIDCProvider `yaml:"oidc_providers"`
	// Quotas take the place of the general ones. What "cairn account" sets
	// at run time takes the place of these.
	Quotas Quotas `yaml:"quotas"`
	// Rates take the place of the general ones, class by class.
	Rates map[string]Rate `yaml:"rates"`
}

// User is one user of an account.
type User struct {
	// Name is unique in the account.
	Name string `yaml:"name"`
	// AccessKeys are the keys this user signs with. In open mode the id of the
	// key in a request picks the account, and the secret is not used.
	AccessKeys []AccessKey `yaml:"access_keys"`
	// Policies are IAM policies in JSON or YAML.
	Policies []Policy `yaml:"policies"`
	// ManagedPolicies are names of AWS managed policies and of the account's
	// own policies.
	ManagedPolicies []string `yaml:"managed_policies"`
	// PermissionsBoundary is the name of a policy that limits what the others
	// can allow.
	PermissionsBoundary string `yaml:"permissions_boundary"`
	// Groups are names of groups of the account.
	Groups []string `yaml:"groups"`
	// Tags are seen by policies as aws:PrincipalTag.
	Tags map[string]string `yaml:"tags"`
}

// AccessKey is an access key id and its secret.
type AccessKey struct {
	// ID is the access key id, unique over all accounts.
	ID string `yaml:"id"`
	// Secret is the secret access key. It is never logged.
	Secret Secret `yaml:"secret"`
	// SecretFile is a file that holds the secret instead.
	SecretFile string `yaml:"secret_file"`
	// Inactive keys are refused.
	Inactive bool `yaml:"inactive"`
}

// Group is a group of users.
type Group struct {
	// Name is unique in the account.
	Name string `yaml:"name"`
	// Policies are IAM policies in JSON or YAML.
	Policies []Policy `yaml:"policies"`
	// ManagedPolicies are as those of a user.
	ManagedPolicies []string `yaml:"managed_policies"`
}

// Role is a role of an account.
type Role struct {
	// Name is unique in the account.
	Name string `yaml:"name"`
	// TrustPolicy says who may assume the role.
	TrustPolicy Policy `yaml:"trust_policy"`
	// MaxSessionDuration is how long a session may last: 1h, the default, to 12h.
	MaxSessionDuration Duration `yaml:"max_session_duration"`
	// Policies are IAM policies in JSON or YAML.
	Policies []Policy `yaml:"policies"`
	// ManagedPolicies are as those of a user.
	ManagedPolicies []string `yaml:"managed_policies"`
	// PermissionsBoundary is as that of a user.
	PermissionsBoundary string `yaml:"permissions_boundary"`
	// Tags are seen by policies as aws:PrincipalTag.
	Tags map[string]string `yaml:"tags"`
}

// NamedPolicy is a policy with a name.
type NamedPolicy struct {
	// Name is unique in the account.
	Name string `yaml:"name"`
	// Document is the policy.
	Document Policy `yaml:"document"`
}

// OIDCProvider is an issuer of OpenID Connect tokens.
type OIDCProvider struct {
	// Issuer is the URL in the tokens' claim iss.
	Issuer string `yaml:"issuer"`
	// Audiences are those of which a token must name one. Empty means
	// sts.amazonaws.com.
	Audiences []string `yaml:"audiences"`
	// JWKSFile is a file with the issuer's keys.
	JWKSFile string `yaml:"jwks_file"`
	// JWKSURL is where the issuer's keys are fetched from instead: https, or
	// http on a loopback address.
	JWKSURL string `yaml:"jwks_url"`
}

// Policy is the text of an IAM policy in JSON. In the file it can stand as YAML,
// or as a text with JSON in it.
type Policy string

// UnmarshalYAML turns YAML into JSON. Scalars stay as they are written, so that
// the version 2012-10-17 is not taken for a date.
func (p *Policy) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && strings.HasPrefix(strings.TrimSpace(n.Value), "{") {
		*p = Policy(n.Value)
		return nil
	}
	if n.Kind != yaml.MappingNode {
		return badScalar(n, "must be an IAM policy, as a mapping or as a text in JSON")
	}
	b, err := appendJSON(nil, n, 0)
	*p = Policy(b)
	return err
}

// maxPolicyDepth is far deeper than a policy can be.
const maxPolicyDepth = 16

func appendJSON(b []byte, n *yaml.Node, depth int) ([]byte, error) {
	if depth > maxPolicyDepth {
		return b, badScalar(n, "is nested too deeply for a policy")
	}
	var err error
	switch n.Kind {
	case yaml.MappingNode:
		b = append(b, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendQuoted(b, n.Content[i].Value), ':')
			if b, err = appendJSON(b, n.Content[i+1], depth+1); err != nil {
				return b, err
			}
		}
		return append(b, '}'), nil
	case yaml.SequenceNode:
		b = append(b, '[')
		for i, child := range n.Content {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, child, depth+1); err != nil {
				return b, err
			}
		}
		return append(b, ']'), nil
	case yaml.ScalarNode:
		return appendQuoted(b, n.Value), nil
	}
	return b, badScalar(n, "is not allowed in a policy: write it out")
}

func appendQuoted(b []byte, s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(fmt.Sprintf("a string that is not JSON: %v", err))
	}
	return append(b, text...)
}
