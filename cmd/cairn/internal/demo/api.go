package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// api calls the AWS APIs of the node of the demo. Its requests are not signed: the
// node runs with auth.mode open.
type api struct {
	endpoint string
	http     *http.Client
}

func newAPI(endpoint string) *api {
	return &api{endpoint, &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}}
}

func (a *api) close() { a.http.CloseIdleConnections() }

// object is a JSON object of a request.
type object map[string]any

// Target prefixes of the APIs.
const (
	cloudMap = "Route53AutoNaming_v20170314."
	ecs      = "AmazonEC2ContainerServiceV20141113."
)

// call sends a request and decodes the answer into out, which may be nil.
func (a *api) call(ctx context.Context, target string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-amz-json-1.1")
	request.Header.Set("X-Amz-Target", target)
	response, err := a.http.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", target, response.Status, answer)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(answer, out)
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 8 << 20

// finished waits until an operation of Cloud Map has succeeded and returns its target
// of the given kind.
func (a *api) finished(ctx context.Context, operation, kind string) (string, error) {
	for {
		var out struct {
			Operation struct {
				Status, ErrorMessage string
				Targets              map[string]string
			}
		}
		if err := a.call(ctx, cloudMap+"GetOperation", object{"OperationId": operation}, &out); err != nil {
			return "", err
		}
		switch out.Operation.Status {
		case "SUCCESS":
			return out.Operation.Targets[kind], nil
		case "FAIL":
			return "", fmt.Errorf("operation %s: %s", operation, out.Operation.ErrorMessage)
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return "", err
		}
	}
}

// instance is an instance in an answer of DiscoverInstances or ListInstances.
type instance struct {
	InstanceID string `json:"InstanceId"`
	ID         string `json:"Id"`
	Attributes map[string]string
}

// discover returns up to 100 healthy instances of a service, as its clients see them.
func (a *api) discover(ctx context.Context, service string) ([]instance, error) {
	var out struct{ Instances []instance }
	err := a.call(ctx, cloudMap+"DiscoverInstances", object{"NamespaceName": namespace, "ServiceName": service}, &out)
	return out.Instances, err
}

// list returns all instances of a service.
func (a *api) list(ctx context.Context, serviceID string) ([]instance, error) {
	in := object{"ServiceId": serviceID}
	var all []instance
	for {
		var out struct {
			Instances []instance
			NextToken string
		}
		if err := a.call(ctx, cloudMap+"ListInstances", in, &out); err != nil {
			return nil, err
		}
		all = append(all, out.Instances...)
		if out.NextToken == "" {
			return all, nil
		}
		in["NextToken"] = out.NextToken
	}
}

// sleep waits for d, or returns the error of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
