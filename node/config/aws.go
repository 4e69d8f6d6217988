package config

// The values of AWS.Compatibility.
const (
	compatExtended = "extended"
	compatStrict   = "strict"
)

// AWS is how the APIs present themselves.
type AWS struct {
	// Region is the region in ARNs and credential scopes.
	Region string `yaml:"region" check:"region" flag:"NAME" usage:"region in ARNs and credential scopes"`
	// Compatibility is `extended`, or `strict`: behave as AWS does also where cairn
	// by default does better.
	Compatibility string `yaml:"compatibility" check:"oneof=extended strict"`
}

func defaultAWS() AWS {
	return AWS{Region: "us-east-1", Compatibility: compatExtended}
}

// Strict reports whether the node behaves as AWS does in every respect.
func (a *AWS) Strict() bool { return a.Compatibility == compatStrict }
