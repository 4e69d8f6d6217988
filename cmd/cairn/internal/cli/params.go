package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
)

// ParseConfig parses the value of a flag that takes one of AWS's structures, in
// JSON or in the AWS CLI's shorthand. It returns nil if text is empty.
func ParseConfig[T any](flag, text string) (*T, error) {
	if text == "" {
		return nil, nil
	}
	if !IsJSON(text) {
		long, err := expandShorthand(text, reflect.TypeFor[T]())
		if err != nil {
			return nil, Usagef("%s: %v", flag, err)
		}
		text = long
	}
	config := new(T)
	if err := decodeStrict(text, config); err != nil {
		return nil, Usagef("%s: %v", flag, err)
	}
	return config, nil
}

// ParseMap parses the value of a flag that takes keys and values, as a JSON object
// or as k=v,k2=v2. It returns nil if text is empty.
func ParseMap(flag, text string) (map[string]string, error) {
	if text == "" {
		return nil, nil
	}
	if !IsJSON(text) {
		return parsePairs(flag, text)
	}
	var loose map[string]any
	if err := decodeStrict(text, &loose); err != nil {
		return nil, Usagef("%s: %v", flag, err)
	}
	m := make(map[string]string, len(loose))
	for k, v := range loose {
		switch v := v.(type) {
		case string:
			m[k] = v
		case json.Number: // such as a port
			m[k] = v.String()
		default:
			return nil, Usagef("%s: the value of %q must be a text", flag, k)
		}
	}
	return m, nil
}

// parsePairs parses k=v,k2=v2. A comma in a value is written as \, as in the
// AWS CLI.
func parsePairs(flag, text string) (map[string]string, error) {
	m := map[string]string{}
	for _, part := range splitPairs(text) {
		k, v, ok := strings.Cut(part, "=")
		if !ok || k == "" {
			return nil, Usagef("%s: %q must be KEY=VALUE", flag, part)
		}
		if _, twice := m[k]; twice {
			return nil, Usagef("%s: %q is given twice", flag, k)
		}
		m[k] = v
	}
	return m, nil
}

func splitPairs(text string) []string {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && (text[i+1] == ',' || text[i+1] == '\\'):
			i++
			part.WriteByte(text[i])
		case text[i] == ',':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(text[i])
		}
	}
	return append(parts, part.String())
}

// IsJSON reports whether text begins as a JSON object does.
func IsJSON(text string) bool { return strings.HasPrefix(strings.TrimSpace(text), "{") }

// decodeStrict decodes exactly one JSON value. A member that into does not have is
// an error.
func decodeStrict(text string, into any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return plainJSONError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// plainJSONError rewords an error of encoding/json without Go types.
func plainJSONError(err error) error {
	if bad, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s cannot be a JSON %s", bad.Field, bad.Value)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON value ends too early")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "json: "))
}
