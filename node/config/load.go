package config

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"reflect"
)

// Sources are the places that a configuration is read from.
type Sources struct {
	// File is the path of the YAML file. Empty means none.
	File string
	// Env looks up an environment variable, as os.LookupEnv does. Nil means
	// that there is no environment.
	Env func(name string) (value string, ok bool)
	// Flags holds the flags that were given, by name.
	Flags map[string]string
}

// Load reads the configuration: flags win over the environment, which wins over
// the file, which wins over Default. Every value is checked; an error names the
// source of the value.
func Load(from Sources) (Config, error) {
	c := Default()
	var f *file
	if from.File != "" {
		var err error
		if f, err = loadFile(from, &c); err != nil {
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
		origins[s.key] = name
	}
	from.setSecrets(&c)
	err := withOrigins(c.Check(), func(key string) string {
		return cmp.Or(origins[key], f.place(key))
	})
	if err != nil {
		return Config{}, err
	}
	return c, nil
}

func loadFile(from Sources, c *Config) (*file, error) {
	r, err := os.Open(from.File)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	defer r.Close()
	f, err := decodeFile(r, from.File, c)
	if err != nil {
		return nil, err
	}
	return f, withOrigins(resolvePaths(c, f, from.getenv), f.place)
}

// getenv returns the value of a variable; "" if it is not set.
func (s *Sources) getenv(name string) string {
	if s.Env == nil {
		return ""
	}
	value, _ := s.Env(name)
	return value
}

// setSecrets reads the fields that only the environment gives.
func (s *Sources) setSecrets(c *Config) {
	for _, sf := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		setSecret(reflect.ValueOf(c).Elem().FieldByIndex(sf.Index), sf, s.getenv)
	}
}

func setSecret(v reflect.Value, sf reflect.StructField, getenv func(string) string) {
	if name := sf.Tag.Get("env"); name != "" {
		v.SetString(getenv(name))
	}
	if isSection(sf.Type) && !sf.Anonymous {
		for i := range v.NumField() {
			setSecret(v.Field(i), v.Type().Field(i), getenv)
		}
	}
}

// withOrigins prefixes each KeyError with the source of its value.
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
