package aws

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/cairn-discovery/cairn/edge/aws/query"
	"github.com/cairn-discovery/cairn/edge/aws/rest"
	"github.com/cairn-discovery/cairn/edge/aws/service"
	"github.com/cairn-discovery/cairn/edge/aws/sigv4"
	"github.com/cairn-discovery/cairn/edge/aws/wire"
)

// router finds the API and the operation of requests.
type router struct {
	apis    []*service.API // the first is for requests that name none
	targets map[string]*service.Operation
	forms   []*service.API // of the Query protocol
	paths   []pathAPI
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
		if err := r.addPaths(api); err != nil {
			return nil, err
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

// pathAPI is an API of a REST protocol, to which all paths below a prefix lead.
type pathAPI struct {
	*service.API
	prefix string
	router *rest.Router
}

// addPaths adds an API if it is of a REST protocol.
func (r *router) addPaths(api *service.API) error {
	var routes []rest.Route
	prefix := ""
	for i, op := range api.All() {
		if op.Path == "" {
			return nil
		}
		first, _, _ := strings.Cut(strings.TrimPrefix(op.Path, "/"), "/")
		if prefix = "/" + first + "/"; len(routes) > 0 && !strings.HasPrefix(routes[0].Pattern, prefix) {
			return fmt.Errorf("aws: the paths of %s have no common prefix", api.Name)
		}
		routes = append(routes, rest.Route{Method: op.Method, Pattern: op.Path, Index: i})
	}
	for _, other := range r.paths {
		if other.prefix == prefix {
			return fmt.Errorf("aws: %s and %s both have the path %s", other.Name, api.Name, prefix)
		}
	}
	paths, err := rest.New(routes)
	if err != nil {
		return fmt.Errorf("aws: %s: %w", api.Name, err)
	}
	r.paths = append(r.paths, pathAPI{api, prefix, paths})
	return nil
}

// routePath finds the API that the path of a request leads to, and its operation.
func (s *Server) routePath(x *request, r *http.Request) (found bool, err error) {
	path := r.URL.EscapedPath()
	for _, p := range s.router.paths {
		if !strings.HasPrefix(path, p.prefix) {
			continue
		}
		x.api = p.API
		index, labels, ok := p.router.Match(r.Method, path, r.URL.RawQuery)
		if !ok {
			return true, unknownPath(x.api, r.Method, path)
		}
		x.wire.Labels = labels
		x.setOperation(x.api.All()[index])
		return true, nil
	}
	return false, nil
}

// unknownPath returns the error for a path that no operation has.
func unknownPath(api *service.API, method, path string) error {
	if api.RefusedPath != nil {
		if missing := api.RefusedPath(path); missing != "" {
			return api.Fault(nil, wire.UnknownOperation, truncate(method)+" "+truncate(path)+" is not supported: "+missing)
		}
	}
	return api.Fault(nil, wire.UnknownOperation, "No operation has the method and path "+truncate(method)+" "+truncate(path))
}

// route finds the API of a request, and its operation unless that is in the body.
func (s *Server) route(x *request, r *http.Request) error {
	x.api = s.router.apis[0]
	target := r.Header.Get("X-Amz-Target")
	if target == "" {
		if found, err := s.routePath(x, r); found {
			return err
		}
	}
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
		return s.router.unknownTarget(x, target)
	}
	x.setOperation(op)
	return nil
}

// unknownTarget returns the error of a target that is no operation here. If AWS has
// it, the error names what is missing.
func (r *router) unknownTarget(x *request, target string) error {
	for _, api := range r.apis {
		name, ok := strings.CutPrefix(target, api.TargetPrefix+".")
		if reason := api.Refused[name]; ok && reason != "" {
			x.api = api
			return api.Fault(nil, wire.NotSupported, api.Name+":"+name+" is not supported: "+reason)
		}
	}
	return x.api.Fault(nil, wire.UnknownOperation, fmt.Sprintf("X-Amz-Target %q names no operation that is served here", truncate(target)))
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
