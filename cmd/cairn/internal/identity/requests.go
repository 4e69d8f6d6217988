package identity

// The requests of POST /identity/OPERATION on the admin listener. Their fields
// have the names and meanings of the commands in core/identity.

// accountRequest is the input of operations on all of an account.
type accountRequest struct {
	Account string
	User    string `json:",omitempty"` // list-keys only: the keys of one user
}

// nameRequest is the input of delete-user, delete-group, delete-role and
// delete-policy.
type nameRequest struct{ Account, Name string }

// putAccountRequest replaces the settings of an account.
type putAccountRequest struct {
	ID     string
	Quotas map[string]int
	Rates  map[string]rate
}

// putPrincipalRequest is the input of put-user, put-group and put-role. With New
// the principal must not exist yet.
type putPrincipalRequest struct {
	Account, Name string
	New           bool
	Managed       []string
	Boundary      string            `json:",omitempty"`
	Tags          map[string]string `json:",omitempty"`
	Groups        []string          `json:",omitempty"` // of a user
	Trust         string            `json:",omitempty"` // of a role
	MaxSession    int64             `json:",omitempty"` // of a role, in seconds
}

// putPolicyRequest stores a policy. With New it must not exist yet.
type putPolicyRequest struct {
	Account, Name, Text string
	New                 bool
}

// editRequest changes parts of a user, group or role.
type editRequest struct {
	Account, Kind, Name string
	Attach, Detach      []string          `json:",omitempty"` // managed policies
	Inline              []inlineRequest   `json:",omitempty"` // inline policies to add or replace
	Drop                []string          `json:",omitempty"` // names of inline policies to delete
	Boundary            *string           `json:",omitempty"` // empty deletes it
	Join, Leave         []string          `json:",omitempty"` // groups of a user
	Tag                 map[string]string `json:",omitempty"`
	Untag               []string          `json:",omitempty"`
	Trust               *string           `json:",omitempty"` // of a role
	MaxSession          *int64            `json:",omitempty"` // of a role, in seconds
}

type inlineRequest struct{ Name, Text string }

// keyRequest is the input of operations on one access key.
type keyRequest struct {
	Account, ID string
	Active      bool `json:",omitempty"` // update-key only
}

// shareRequest adds accounts to a share of a namespace, or with Stop removes
// them.
type shareRequest struct {
	Account, Namespace string
	With               []string
	Stop               bool
}

// meshShareRequest does the same with a mesh.
type meshShareRequest struct {
	Account, Mesh string
	With          []string
	Stop          bool
}

// simulateRequest asks what the policies of a principal allow.
type simulateRequest struct {
	Principal, Action string
	Resources         []string            `json:",omitempty"`
	Context           map[string][]string `json:",omitempty"`
	ResourceTags      map[string]string   `json:",omitempty"`
	SessionPolicy     string              `json:",omitempty"`
}
