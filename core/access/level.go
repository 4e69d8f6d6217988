package access

// Level is what kind of access an action gives; see "Access levels in policy
// summaries" in the IAM User Guide. The zero value is none of them.
type Level int

// The access levels.
const (
	Read Level = iota + 1
	List
	Write
	Tagging
	PermissionsManagement
)

var levelNames = [...]string{"", "Read", "List", "Write", "Tagging", "Permissions management"}

func (l Level) String() string { return levelNames[l] }
