package cli

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

const (
	// DefaultRegion is the region to sign for if none is set.
	DefaultRegion = "us-east-1"

	// DummyKeyID and DummySecret are used where no credentials are set: an AWS
	// client without credentials sends no request, and a node in open mode
	// accepts any key.
	DummyKeyID  = "cairn"
	DummySecret = "cairn"
)

// AWSSettings has the region and the credentials that AWS programs use here, or
// the defaults.
type AWSSettings struct {
	aws.Config
	// Source is where the credentials were found; empty for the dummy ones.
	Source string
	// Dummy is set if the credentials are the dummy ones, also if they were found:
	// "cairn env" sets them.
	Dummy bool
}

// LoadAWS reads the environment and the profile files as AWS programs do. It
// does not ask the EC2 instance metadata service, which takes seconds where
// there is none. A region that is not empty takes precedence.
func LoadAWS(ctx context.Context, region string, options ...func(*config.LoadOptions) error) (AWSSettings, error) {
	options = append([]func(*config.LoadOptions) error{
		config.WithRegion(region),
		config.WithDefaultRegion(DefaultRegion),
		config.WithEC2IMDSClientEnableState(imds.ClientDisabled),
	}, options...)
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return AWSSettings{}, err
	}
	found, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		// The error is the same for "none are set" and for other causes. A node
		// with auth.mode sigv4 refuses the dummy ones.
		cfg.Credentials = credentials.NewStaticCredentialsProvider(DummyKeyID, DummySecret, "")
	}
	return AWSSettings{Config: cfg, Source: found.Source, Dummy: err != nil || found.AccessKeyID == DummyKeyID}, nil
}
