package aws

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/query"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/sigv4"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// router finds the API and the operation of requests.
type router struct {
	apis    []*service.API // the first is for requests that name none
	targets map[string]*service.Operation
	forms   []*service.API // of the Query protocol
	// contentTypes has the value of the header's field for each API.
	contentTypes map[*service.API][]string
}

func newRouter(apis []*service.API) (*router, error) {
	r := &router{apis: apis, targets: map[string]*service.Operation{}, contentTypes: map[*service.API][]string{}}
	for _, api := range apis {
		r.contentTypes[api] = []string{api.Protocol.ContentType()}
		if api.Version != "" {
			r.forms = append(r.forms, api)
		}
		if api.TargetPrefix == "" {
			continue
		}
		for _, op := range api.All() {
			target := api.TargetPrefix + "." + op.Name
			if other := r.targets[target]; other != nil {
				return nil, fmt.Errorf("aws: %s is an operation of %s and of %s", target, other.API().Name, api.Name)
			}
			r.targets[target] = op
		}
	}
	return r, nil
}

// route finds the API of a request, and its operation unless that is in the body.
func (s *Server) route(x *request, r *http.Request) error {
	x.api = s.router.apis[0]
	target := r.Header.Get("X-Amz-Target")
	if target == "" && len(s.router.forms) > 0 && isForm(r) {
		x.api, x.form = s.router.formAPI(x.http), true
		return nil // the body names the operation
	}
	if r.Method != http.MethodPost {
		e := x.api.Fault(nil, wire.UnknownOperation, "Method "+truncate(r.Method)+" is not supported: the AWS JSON protocol uses POST")
		e.Status = http.StatusMethodNotAllowed
		return e
	}
	op := s.router.targets[target]
	if op == nil {
		return x.api.Fault(nil, wire.UnknownOperation, fmt.Sprintf("X-Amz-Target %q names no operation that is served here", truncate(target)))
	}
	x.setOperation(op)
	return nil
}

// isForm reports whether a request is of the Query protocol: a form, in the body
// or in the query.
func isForm(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodPost && r.ContentLength == 0 {
		return strings.Contains(r.URL.RawQuery, "Action=")
	}
	return r.Method == http.MethodPost && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// formAPI returns the API of the Query protocol that a request's credential is
// scoped to, or the first one.
func (r *router) formAPI(req *http.Request) *service.API {
	for _, api := range r.forms[1:] {
		scope := "/" + api.SigningName + "/aws4_request"
		if strings.Contains(req.Header.Get("Authorization"), scope) || strings.Contains(req.URL.RawQuery, strings.ReplaceAll(scope, "/", "%2F")) {
			return api
		}
	}
	return r.forms[0]
}

// routeForm finds the operation that a form names.
func (s *Server) routeForm(x *request) error {
	form, err := query.Parse(x.http.Method, x.http.URL.RawQuery, x.wire.Body)
	if err != nil {
		return err
	}
	x.wire.Form = url.Values(form)
	name, version := form.Text("Action"), form.Text("Version")
	op := x.api.Operation(name)
	if op != nil {
		x.setOperation(op)
	}
	if s.auth != nil && x.call.Caller == nil && (op == nil || op.Authorization != service.Unsigned) {
		return &sigv4.Error{Kind: sigv4.Missing, Message: "Missing Authentication Token"}
	}
	if op == nil || version != x.api.Version {
		return x.api.Fault(nil, wire.UnknownOperation, fmt.Sprintf("Could not find operation %s for version %s", truncate(name), truncate(version)))
	}
	return nil
}

// truncate cuts a text of a client that is too long for a message.
func truncate(s string) string {
	if len(s) > 128 {
		return s[:128] + "..."
	}
	return s
}
