package config

import (
	"errors"
	"path/filepath"
	"reflect"
	"strings"
)

// credentialsVariable names the folder in which systemd puts the credentials of
// a unit with LoadCredential= (systemd.exec(5), "Credentials").
const credentialsVariable = "CREDENTIALS_DIRECTORY"

// resolvePaths makes the file names that a configuration file gives independent
// of the working folder: a relative name is relative to the folder of the file,
// and one that begins with $CREDENTIALS_DIRECTORY/ is a credential of systemd.
func resolvePaths(c *Config, f *file, getenv func(string) string) error {
	var errs []error
	walk(reflect.ValueOf(c).Elem(), func(key field) {
		if _, ok := key.tag.Lookup("path"); !ok || key.value.String() == "" || !f.has(key.path) {
			return
		}
		name, err := resolvePath(key.value.String(), filepath.Dir(f.name), getenv)
		if err != "" {
			value := key.value.String()
			errs = append(errs, &KeyError{Key: key.path, Value: &value, Rule: err})
			return
		}
		key.value.SetString(name)
	})
	return errors.Join(errs...)
}

// resolvePath returns the file of a name, or why there is none.
func resolvePath(name, folder string, getenv func(string) string) (path, problem string) {
	for _, prefix := range []string{"$" + credentialsVariable + "/", "${" + credentialsVariable + "}/"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			credentials := getenv(credentialsVariable)
			if credentials == "" {
				return "", "needs the variable " + credentialsVariable + ", which systemd sets for a unit with LoadCredential="
			}
			return filepath.Join(credentials, rest), ""
		}
	}
	if filepath.IsAbs(name) || name == AuditStderr {
		return name, ""
	}
	return filepath.Join(folder, name), ""
}

// Files returns the files and folders that the configuration names, which nobody but
// the program may read.
func (c *Config) Files() []string {
	all := append([]string(nil), c.Runner.SecretFolders...)
	walk(reflect.ValueOf(c).Elem(), func(key field) {
		if _, ok := key.tag.Lookup("path"); ok && key.value.String() != "" && key.value.String() != AuditStderr {
			all = append(all, key.value.String())
		}
	})
	return all
}
