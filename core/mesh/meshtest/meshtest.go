// Package meshtest reads meshes that tests describe in text.
//
//	mesh/shop {}
//	mesh/shop/virtualNode/web {"listeners": [{"portMapping": {"port": 80, "protocol": "http"}}]}
//
// Each resource begins a line with its path, as in ARNs; its spec in JSON follows.
package meshtest

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/core/mesh"
	"github.com/cairn-discovery/cairn/core/state"
	"github.com/cairn-discovery/cairn/internal/record"
)

// The fields of a record of core/mesh that a test sets.
const (
	fieldUID     = 1
	fieldVersion = 2
	fieldSpec    = 6
)

// Parse returns the changes that store the resources of a text. The meshes and their
// resources belong to the account.
func Parse(owner command.AccountID, text string) ([]command.Change, error) {
	var changes []command.Change
	rest := strings.TrimSpace(text)
	for rest != "" {
		path, after, ok := strings.Cut(rest, " ")
		ref, known := mesh.ParsePath(owner, path)
		if !ok || !known {
			return nil, fmt.Errorf("meshtest: %.80q does not begin with the path of a resource", rest)
		}
		decoder := json.NewDecoder(strings.NewReader(after))
		var spec json.RawMessage
		if err := decoder.Decode(&spec); err != nil {
			return nil, fmt.Errorf("meshtest: spec of %s: %w", path, err)
		}
		rest = strings.TrimSpace(after[decoder.InputOffset():])
		change, err := put(ref, spec)
		if err != nil {
			return nil, fmt.Errorf("meshtest: %s: %w", path, err)
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// put returns the change that stores a resource. Its spec may have no unknown members.
func put(ref mesh.Ref, spec []byte) (command.Change, error) {
	strict := json.NewDecoder(strings.NewReader(string(spec)))
	strict.DisallowUnknownFields()
	if err := strict.Decode(ref.Kind.NewSpec()); err != nil {
		return nil, err
	}
	value := record.AppendString(nil, fieldUID, "u")
	value = record.AppendUint(value, fieldVersion, 1)
	value = record.AppendString(value, fieldSpec, spec)
	return state.Decode(key(ref), value)
}

// Remove returns the change that deletes a resource.
func Remove(owner command.AccountID, path string) (command.Change, error) {
	ref, ok := mesh.ParsePath(owner, path)
	if !ok {
		return nil, fmt.Errorf("meshtest: %q is not the path of a resource", path)
	}
	return state.Decode(key(ref), nil)
}

func key(ref mesh.Ref) string {
	if ref.Kind == mesh.KindMesh {
		return "ma/" + ref.ID()
	}
	return "mb/" + ref.ID()
}
