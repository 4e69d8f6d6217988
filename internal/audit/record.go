package audit

import (
	"time"

	"github.com/cairn-discovery/cairn/internal/jsontext"
)

// Record is one call; see "CloudTrail record contents" in the AWS CloudTrail
// User Guide for what the members mean. Empty ones are left out, but for those
// that CloudTrail always has.
type Record struct {
	Time        time.Time
	Source      string // such as servicediscovery.amazonaws.com
	Name        string // of the operation
	Region      string
	SourceIP    string
	UserAgent   string
	Identity    Identity
	RequestID   string
	EventID     string
	ReadOnly    bool
	Data        bool // a data event, not a management event
	ErrorCode   string
	ErrorText   string
	Account     string // recipientAccountId
	Resources   []Resource
	TLSVersion  string
	CipherSuite string
	TLSHost     string
	// Request and Response are JSON objects on one line. Nil: null.
	Request, Response []byte
}

// Identity is who called.
type Identity struct {
	Type        string // IAMUser, AssumedRole, WebIdentityUser, AWSAccount, Unknown
	PrincipalID string
	ARN         string
	Account     string
	AccessKeyID string
	UserName    string
	Provider    string // of a token
	Session     *Session
}

// Session is where the credentials of an assumed role come from.
type Session struct {
	RoleID, RoleARN, RoleAccount, RoleName string
	Created                                time.Time
	SourceIdentity                         string
}

// Resource is something that a call was about.
type Resource struct{ ARN, Account, Type string }

// version is that of the records' form.
const version = "1.11"

// writer builds a JSON object.
type writer struct {
	b     []byte
	first bool
}

func (w *writer) name(name string) {
	if !w.first {
		w.b = append(w.b, ',')
	}
	w.first = false
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

// text adds a member unless it is empty.
func (w *writer) text(name, value string) {
	if value != "" {
		w.always(name, value)
	}
}

func (w *writer) always(name, value string) {
	w.name(name)
	w.b = jsontext.AppendString(w.b, value)
}

func (w *writer) raw(name string, value []byte) {
	w.name(name)
	if value == nil {
		value = []byte("null")
	}
	w.b = append(w.b, value...)
}

func (w *writer) flag(name string, value bool) {
	text := "false"
	if value {
		text = "true"
	}
	w.raw(name, []byte(text))
}

func (w *writer) time(name string, t time.Time) {
	w.name(name)
	w.b = t.UTC().AppendFormat(append(w.b, '"'), "2006-01-02T15:04:05Z")
	w.b = append(w.b, '"')
}

func (w *writer) open(name string) {
	if name != "" {
		w.name(name)
	}
	w.b, w.first = append(w.b, '{'), true
}

func (w *writer) close() { w.b, w.first = append(w.b, '}'), false }

// append appends the record as one line.
func (r *Record) append(b []byte) []byte {
	w := &writer{b: b}
	w.open("")
	w.always("eventVersion", version)
	w.identity(&r.Identity)
	w.time("eventTime", r.Time)
	w.always("eventSource", r.Source)
	w.always("eventName", r.Name)
	w.always("awsRegion", r.Region)
	w.always("sourceIPAddress", r.SourceIP)
	w.text("userAgent", r.UserAgent)
	w.text("errorCode", r.ErrorCode)
	w.text("errorMessage", r.ErrorText)
	w.raw("requestParameters", r.Request)
	w.raw("responseElements", r.Response)
	w.always("requestID", r.RequestID)
	w.always("eventID", r.EventID)
	w.flag("readOnly", r.ReadOnly)
	w.resources(r.Resources)
	w.always("eventType", "AwsApiCall")
	w.flag("managementEvent", !r.Data)
	w.text("recipientAccountId", r.Account)
	category := "Management"
	if r.Data {
		category = "Data"
	}
	w.always("eventCategory", category)
	if r.TLSVersion != "" {
		w.open("tlsDetails")
		w.always("tlsVersion", r.TLSVersion)
		w.always("cipherSuite", r.CipherSuite)
		w.text("clientProvidedHostHeader", r.TLSHost)
		w.close()
	}
	w.close()
	return append(w.b, '\n')
}

func (w *writer) identity(id *Identity) {
	w.open("userIdentity")
	w.always("type", id.Type)
	w.text("principalId", id.PrincipalID)
	w.text("arn", id.ARN)
	w.text("accountId", id.Account)
	w.text("accessKeyId", id.AccessKeyID)
	w.text("userName", id.UserName)
	w.text("identityProvider", id.Provider)
	if s := id.Session; s != nil {
		w.open("sessionContext")
		w.open("sessionIssuer")
		w.always("type", "Role")
		w.text("principalId", s.RoleID)
		w.text("arn", s.RoleARN)
		w.text("accountId", s.RoleAccount)
		w.text("userName", s.RoleName)
		w.close()
		w.open("attributes")
		w.time("creationDate", s.Created)
		w.always("mfaAuthenticated", "false")
		w.close()
		w.text("sourceIdentity", s.SourceIdentity)
		w.close()
	}
	w.close()
}

func (w *writer) resources(all []Resource) {
	if len(all) == 0 {
		return
	}
	w.name("resources")
	w.b = append(w.b, '[')
	for i, r := range all {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.open("")
		w.text("accountId", r.Account)
		w.text("type", r.Type)
		w.always("ARN", r.ARN)
		w.close()
	}
	w.b = append(w.b, ']')
}
