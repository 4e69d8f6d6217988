package config

// Account is one AWS account.
type Account struct {
	// ID is the account's twelve digits.
	ID string `yaml:"id"`
	// Users are the account's users.
	Users []User `yaml:"users"`
	// Groups give their policies to users.
	Groups []Group `yaml:"groups"`
	// Roles can be assumed through STS.
	Roles []Role `yaml:"roles"`
	// Policies can be attached by name to users, groups and roles.
	Policies []NamedPolicy `yaml:"policies"`
	// OIDCProviders are issuers of tokens that the account's roles can trust.
	OIDCProviders []OIDCProvider `yaml:"oidc_providers"`
	// Quotas replace the general quotas, name by name. What "cairn account" sets
	// at run time replaces these.
	Quotas Quotas `yaml:"quotas"`
	// Rates replace the general rates, class by class.
	Rates map[string]Rate `yaml:"rates"`
}

// User is one user of an account.
type User struct {
	// Name is unique in the account.
	Name string `yaml:"name"`
	// AccessKeys are the keys that this user signs with. In open mode the id of
	// the key in a request selects the account, and the secret is not used.
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
	// Tags are what policies see as aws:PrincipalTag.
	Tags map[string]string `yaml:"tags"`
}

// AccessKey is an access key id and its secret.
type AccessKey struct {
	// ID is the access key id, unique over all accounts.
	ID string `yaml:"id"`
	// Secret is the secret access key. It is never logged.
	Secret Secret `yaml:"secret"`
	// SecretFile is a file that contains the secret.
	SecretFile string `yaml:"secret_file" path:"file"`
	// Inactive disables the key: requests signed with it are refused.
	Inactive bool `yaml:"inactive"`
}

// Group is a group of users.
type Group struct {
	// Name is unique in the account.
	Name string `yaml:"name"`
	// Policies are IAM policies in JSON or YAML.
	Policies []Policy `yaml:"policies"`
	// ManagedPolicies are names of policies, as for a user.
	ManagedPolicies []string `yaml:"managed_policies"`
}

// Role is a role of an account.
type Role struct {
	// Name is unique in the account.
	Name string `yaml:"name"`
	// TrustPolicy is the policy that says who may assume the role.
	TrustPolicy Policy `yaml:"trust_policy"`
	// MaxSessionDuration is how long a session may last: 1h, the default, to 12h.
	MaxSessionDuration Duration `yaml:"max_session_duration"`
	// Policies are IAM policies in JSON or YAML.
	Policies []Policy `yaml:"policies"`
	// ManagedPolicies are names of policies, as for a user.
	ManagedPolicies []string `yaml:"managed_policies"`
	// PermissionsBoundary is the name of a policy, as for a user.
	PermissionsBoundary string `yaml:"permissions_boundary"`
	// Tags are what policies see as aws:PrincipalTag.
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
	// Audiences are the values of the claim aud of which a token must have one.
	// Empty means sts.amazonaws.com.
	Audiences []string `yaml:"audiences"`
	// JWKSFile is a file with the issuer's keys.
	JWKSFile string `yaml:"jwks_file" path:"file"`
	// JWKSURL is the URL of the issuer's keys, in place of the file: https, or
	// http on a loopback address.
	JWKSURL string `yaml:"jwks_url"`
}
