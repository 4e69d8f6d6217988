package node

import (
	"cmp"
	"errors"
	"fmt"
	"os"
)

// Sources are the places a configuration is read from.
type Sources struct {
	// File is the path of the YAML file. Empty means none.
	File string
	// Env looks up an environment variable, as os.LookupEnv does. Nil means
	// that there is no environment.
	Env func(name string) (value string, ok bool)
	// Flags holds the flags that were given, by name.
	Flags map[string]string
}

// Load reads the configuration: flags win over the environment, that over the
// file, that over Default. Every value is checked; an error says where the
// value came from.
func Load(from Sources) (Config, error) {
	c := Default()
	var file *configFile
	if from.File != "" {
		var err error
		if file, err = loadFile(from.File, &c); err != nil {
			return Config{}, err
		}
	}
	origins := map[string]string{}
	for _, s := range Settings() {
		name, value, ok := s.find(from)
		if !ok {
			continue
		}
		if err := s.Set(&c, value); err != nil {
			return Config{}, fmt.Errorf("%s: %w", name, err)
		}
		origins[s.Key()] = name
	}
	if from.Env != nil {
		key, _ := from.Env(sealKeyVariable)
		token, _ := from.Env(adminTokenVariable)
		c.SealKey, c.AdminToken = Secret(key), Secret(token)
	}
	err := withOrigins(c.Check(), func(key string) string {
		return cmp.Or(origins[key], file.place(key))
	})
	if err != nil {
		return Config{}, err
	}
	return c, nil
}

func loadFile(path string, c *Config) (*configFile, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer f.Close()
	return decodeFile(f, path, c)
}

// find looks a setting up in the flags, or else in the environment. An empty
// variable counts as not set, because in many service managers a variable
// cannot be unset.
func (s Setting) find(from Sources) (name, value string, ok bool) {
	if v, ok := from.Flags[s.Flag]; ok {
		return "--" + s.Flag, v, true
	}
	if from.Env != nil {
		v, _ := from.Env(s.Env())
		return s.Env(), v, v != ""
	}
	return "", "", false
}

// withOrigins puts before each KeyError where its value came from.
func withOrigins(err error, origin func(key string) string) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return err
	}
	var errs []error
	for _, err := range joined.Unwrap() {
		if bad, ok := errors.AsType[*KeyError](err); ok && origin(bad.Key) != "" {
			err = fmt.Errorf("%s: %w", origin(bad.Key), err)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
