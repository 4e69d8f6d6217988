// Package restjsonapi is generated from a made-up model that has every feature of its
// protocol, to test the generator and the codec.
package restjsonapi

//go:generate go run github.com/cairn-discovery/cairn/tools/awsgen -model model/madeup.json
