package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Names of the mesh.
const (
	meshName   = "shop"
	webService = "web"
	webHost    = webService + "." + meshNamespace
	// meshNamespace is the namespace of Cloud Map.
	meshNamespace = "local"
	clientNode    = "client"
	webID         = "spiffe://" + meshName + "/ns/" + meshNamespace + "/sv/" + webService
	clientID      = "spiffe://" + meshName + "/virtualNode/" + clientNode
	trust         = "spiffe://" + meshName
)

// platform is where instances run.
type platform struct {
	name  string // also of the virtual node
	where string
}

// platforms are those of the demonstration. The attribute platform of instances tells
// them apart.
var platforms = [2]platform{{"on-premises", "on-premises"}, {"ecs", "ECS"}}

// mesh calls an operation of App Mesh below the mesh; path "" is the mesh itself.
func (a *api) mesh(ctx context.Context, path string, in any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	url := a.endpoint + "/v20190125/meshes" + path
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := a.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("the call %s of App Mesh: %s: %s", path, response.Status, answer)
	}
	return err
}

// makeWeb creates the service in Cloud Map and returns its id.
func makeWeb(ctx context.Context, a *api) (string, error) {
	var created struct {
		OperationID string `json:"OperationId"`
	}
	if err := a.call(ctx, cloudMap+"CreateHttpNamespace", object{"Name": meshNamespace, "CreatorRequestId": "demo"}, &created); err != nil {
		return "", err
	}
	id, err := a.finished(ctx, created.OperationID, "NAMESPACE")
	if err != nil {
		return "", err
	}
	var out struct {
		Service struct {
			ID string `json:"Id"`
		}
	}
	err = a.call(ctx, cloudMap+"CreateService", object{
		"Name": webService, "NamespaceId": id, "CreatorRequestId": "demo", "HealthCheckCustomConfig": object{"FailureThreshold": 1},
	}, &out)
	return out.Service.ID, err
}

// makeMesh creates the mesh. The virtual nodes of both platforms listen on a port.
func makeMesh(ctx context.Context, a *api, port int) error {
	if err := a.mesh(ctx, "", object{"meshName": meshName}); err != nil {
		return err
	}
	in := "/" + meshName
	for _, p := range platforms {
		if err := a.mesh(ctx, in+"/virtualNodes", object{"virtualNodeName": p.name, "spec": webNode(p, port)}); err != nil {
			return err
		}
	}
	listener := object{"portMapping": object{"port": 80, "protocol": "http"}}
	if err := a.mesh(ctx, in+"/virtualRouters", object{"virtualRouterName": webService, "spec": object{"listeners": []object{listener}}}); err != nil {
		return err
	}
	provider := object{"virtualRouter": object{"virtualRouterName": webService}}
	if err := a.mesh(ctx, in+"/virtualServices", object{"virtualServiceName": webHost, "spec": object{"provider": provider}}); err != nil {
		return err
	}
	if err := a.mesh(ctx, in+"/virtualRouter/"+webService+"/routes", object{"routeName": webService, "spec": weighted(100, 0)}); err != nil {
		return err
	}
	return a.mesh(ctx, in+"/virtualNodes", object{"virtualNodeName": clientNode, "spec": object{
		"backends": []object{{"virtualService": object{"virtualServiceName": webHost, "clientPolicy": object{"tls": object{
			"certificate": secret(clientID), "validation": validation(webID),
		}}}}},
	}})
}

// webNode is the virtual node of a platform.
func webNode(p platform, port int) object {
	return object{
		"listeners": []object{{
			"portMapping": object{"port": port, "protocol": "http"},
			"tls":         object{"mode": "STRICT", "certificate": secret(webID), "validation": validation(clientID)},
		}},
		"serviceDiscovery": object{"awsCloudMap": object{
			"namespaceName": meshNamespace, "serviceName": webService, "attributes": []object{{"key": "platform", "value": p.name}},
		}},
	}
}

func secret(name string) object { return object{"sds": object{"secretName": name}} }

// validation requires a certificate of the mesh with a name.
func validation(name string) object {
	return object{"trust": secret(trust), "subjectAlternativeNames": object{"match": object{"exact": []string{name}}}}
}

// weighted is a route with the weights of the platforms.
func weighted(weights ...int) object {
	var targets []object
	for i, p := range platforms {
		targets = append(targets, object{"virtualNode": p.name, "weight": weights[i]})
	}
	return object{"httpRoute": object{
		"match": object{"prefix": "/"}, "action": object{"weightedTargets": targets},
		"retryPolicy": object{
			"maxRetries": 3, "perRetryTimeout": object{"unit": "s", "value": 5},
			"httpRetryEvents": []string{"server-error"}, "tcpRetryEvents": []string{"connection-error"},
		},
	}}
}

// setWeights changes the weights of the route.
func setWeights(ctx context.Context, a *api, weights ...int) error {
	return a.mesh(ctx, "/"+meshName+"/virtualRouter/"+webService+"/routes/"+webService, object{"spec": weighted(weights...)})
}
