// Awsgen turns the JSON model that AWS publishes of one of its APIs into the Go code of
// that API's wire layer: shapes, decoders, validation with AWS's texts, encoders and the
// table of operations. config.go has what a model does not say: compatibility modes,
// operations that encode their own output, hand-written matchers for patterns.
//
// It is run by go generate in the package it writes to, which has the name of its folder:
//
//	//go:generate go run github.com/cairn-discovery/cairn/tools/awsgen -model model/servicediscovery-2017-03-14.json
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	model := flag.String("model", "", "the API's model in botocore's form")
	out := flag.String("out", ".", "folder of the package to write to")
	flag.Parse()
	if err := run(*model, *out); err != nil {
		fmt.Fprintln(os.Stderr, "awsgen:", err)
		os.Exit(1)
	}
}

func run(modelFile, folder string) error {
	text, err := os.ReadFile(modelFile)
	if err != nil {
		return err
	}
	path, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	files, err := generate(text, filepath.Base(path))
	if err != nil {
		return fmt.Errorf("%s: %w", modelFile, err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o644); err != nil {
			return err
		}
	}
	return removeStale(folder, files)
}

// removeStale deletes what an earlier run wrote into the folder and this one did not, such
// as unsupported_gen.go of an API that is complete now.
func removeStale(folder string, current map[string][]byte) error {
	paths, err := filepath.Glob(filepath.Join(folder, "*_gen.go"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		if _, ok := current[filepath.Base(path)]; ok {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.HasPrefix(text, []byte(mark)) {
			if err := os.Remove(path); err != nil {
				return err
			}
		}
	}
	return nil
}
