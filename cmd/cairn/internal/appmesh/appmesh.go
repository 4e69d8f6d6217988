// Package appmesh has the command that imports resources of AWS App Mesh. It calls the App
// Mesh API of a node.
package appmesh

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"github.com/spf13/cobra"

	"github.com/cairn-discovery/cairn/cmd/cairn/internal/cli"
	"github.com/cairn-discovery/cairn/core/mesh"
)

// Commands returns the commands of this package.
func Commands(p *cli.Program) cli.Group {
	imports := &cobra.Command{
		Use:     "import",
		Short:   "Import what another system has",
		Example: `  cairn import appmesh DIR`,
		Long:    `Reads files that tools of another system wrote, shows a plan, and makes the same here.`,
	}
	imports.AddCommand(newImport(p))
	return cli.Group{Title: "App Mesh:", Commands: []*cobra.Command{imports}}
}

// flags are those of import appmesh.
type flags struct {
	dir, mesh   string
	yes, dryRun bool
}

func newImport(p *cli.Program) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "appmesh",
		Short: "Import the resources of AWS App Mesh that aws appmesh describe-… wrote",
		Long: `Reads all files *.json in DIR and below. Each holds answers of the describe commands of
the AWS CLI, one or several after each other, such as {"virtualNode": {…}}. It compares
them with what the node has and shows a plan: what is to be created (+) and changed (~).
It asks before it changes anything, unless --yes is given. Nothing is deleted.

The resources belong to the account that imports them. Tags are not in these answers. An
import that was interrupted can be run again.`,
		Example: `  aws appmesh describe-virtual-node --mesh-name shop --virtual-node-name cart >mesh/cart.json
  cairn import appmesh mesh --dry-run
  cairn import appmesh mesh --yes`,
	}
	cli.ClientCommand(p, cmd, []cli.Arg{{Name: "DIR", Set: func(v string) error { f.dir = v; return nil }}}, func(ctx context.Context, s *cli.Session) error {
		c := &client{s}
		return c.run(ctx, &f)
	})
	cli.RequireValue(cmd, "argument DIR", func() bool { return f.dir != "" })
	cli.DefaultTimeout(cmd, 10*time.Minute)
	cmd.Flags().StringVar(&f.mesh, "mesh", "", "`NAME` of the only mesh to import (default all)")
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show the plan only")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "make the changes without asking")
	return cmd
}

// client calls the App Mesh API for one command.
type client struct{ *cli.Session }

func (c *client) run(ctx context.Context, f *flags) error {
	want, err := read(f.dir, f.mesh)
	if err != nil {
		return err
	}
	plan, err := newPlan(want, func(r mesh.Ref) (mesh.Spec, error) { return c.describe(ctx, r) })
	if err != nil {
		return err
	}
	plan.print(c.Stdout)
	if f.dryRun || len(plan.changes) == 0 {
		return nil
	}
	if err := c.Confirm(f.yes); err != nil {
		return err
	}
	for i, ch := range plan.changes {
		if err := c.apply(ctx, ch); err != nil {
			fmt.Fprintf(c.Stderr, "%d of %d changes are made; the next one failed: %s\n", i, len(plan.changes), ch.Ref.Path())
			return err
		}
	}
	fmt.Fprintf(c.Stderr, "%d changes are made\n", len(plan.changes))
	return nil
}

// collections are the last parts of the paths of the kinds. It is never changed.
var collections = map[mesh.Kind]string{
	mesh.KindVirtualNode: "virtualNodes", mesh.KindVirtualService: "virtualServices", mesh.KindVirtualRouter: "virtualRouters",
	mesh.KindRoute: "routes", mesh.KindVirtualGateway: "virtualGateways", mesh.KindGatewayRoute: "gatewayRoutes",
}

// collection returns the path at which resources such as r are created.
func collection(r mesh.Ref) string {
	path := "/v20190125/meshes"
	if r.Kind == mesh.KindMesh {
		return path
	}
	path += "/" + url.PathEscape(r.Mesh)
	if r.Parent != "" {
		path += "/" + string(r.ParentRef().Kind) + "/" + url.PathEscape(r.Parent)
	}
	return path + "/" + collections[r.Kind]
}

// describe returns the spec of a resource, nil if it does not exist.
func (c *client) describe(ctx context.Context, r mesh.Ref) (mesh.Spec, error) {
	answer, err := c.call(ctx, "Describe"+r.Kind.String(), http.MethodGet, collection(r)+"/"+url.PathEscape(r.ShortName()), nil)
	if e, ok := err.(*smithy.OperationError); ok {
		if api, ok := e.Err.(*smithy.GenericAPIError); ok && api.Code == "NotFoundException" {
			return nil, nil
		}
	}
	if err != nil {
		return nil, err
	}
	found := struct {
		Spec mesh.Spec `json:"spec"`
	}{r.Kind.NewSpec()}
	err = json.Unmarshal(answer, &found)
	return found.Spec, err
}

// apply makes a change.
func (c *client) apply(ctx context.Context, ch change) error {
	body := map[string]any{"spec": ch.Spec}
	operation, path := "Update", collection(ch.Ref)+"/"+url.PathEscape(ch.Ref.ShortName())
	if ch.create {
		operation, path = "Create", collection(ch.Ref)
		body[string(ch.Ref.Kind)+"Name"] = ch.Ref.ShortName()
	}
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	_, err = c.call(ctx, operation+ch.Ref.Kind.String(), http.MethodPut, path, text)
	return err
}

func (c *client) call(ctx context.Context, operation, method, path string, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.Endpoint, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, answer, err := c.Send(ctx, "appmesh", request, body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = apiError(response, answer)
	}
	if err != nil {
		return nil, &smithy.OperationError{ServiceID: "App Mesh", OperationName: operation, Err: err}
	}
	return answer, nil
}

// apiError returns the error in an answer.
func apiError(response *http.Response, answer []byte) error {
	e := &smithy.GenericAPIError{Code: response.Header.Get("X-Amzn-Errortype")}
	var body struct{ Message string }
	if json.Unmarshal(answer, &body) == nil {
		e.Message = body.Message
	}
	if e.Code == "" {
		e.Code = "UnknownError"
	}
	e.Code, _, _ = strings.Cut(e.Code, ":")
	return e
}
