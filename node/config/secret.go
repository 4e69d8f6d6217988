package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Secret is a text that must not be shown: it prints as [redacted] by every
// way of formatting. string(s) gives the text itself.
type Secret string

const redacted = "[redacted]"

// String hides the secret.
func (Secret) String() string { return redacted }

// Format hides the secret from all verbs, %q, %x and %#v among them.
func (Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, redacted) }

// MarshalJSON hides the secret; slog's JSON handler goes this way.
func (Secret) MarshalJSON() ([]byte, error) { return json.Marshal(redacted) }

// MarshalYAML hides the secret.
func (Secret) MarshalYAML() (any, error) { return redacted, nil }

// maxSecretFile bounds a file with a secret.
const maxSecretFile = 4096

// readSecretFile reads a secret. Errors name the file and nothing in it.
func readSecretFile(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSecretFile+1))
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, errors.Unwrap(err))
	}
	if len(b) > maxSecretFile {
		return "", fmt.Errorf("%s is too long to be a secret", name)
	}
	return strings.TrimSpace(string(b)), nil
}
