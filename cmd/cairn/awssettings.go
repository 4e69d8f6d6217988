package main

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

const (
	defaultRegion = "us-east-1"

	// A node in open mode takes any key. These are sent when there are none,
	// because an AWS client without credentials sends nothing at all.
	dummyKeyID  = "cairn"
	dummySecret = "cairn"
)

// awsSettings are the region and the credentials that an AWS program would use
// here, or harmless ones.
type awsSettings struct {
	aws.Config
	// source says where the credentials come from; empty for the dummy ones.
	source string
}

// loadAWS looks where AWS programs look, save for the instance metadata
// service: asking it takes seconds where there is none.
func loadAWS(ctx context.Context, region string) (awsSettings, error) {
	cfg, err := config.LoadDefaultConfig(ctx,
		config.WithRegion(region),
		config.WithDefaultRegion(defaultRegion),
		config.WithEC2IMDSClientEnableState(imds.ClientDisabled))
	if err != nil {
		return awsSettings{}, err
	}
	found, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		// The error does not tell "there are none" from others. A node that
		// wants signatures will refuse the dummy ones.
		cfg.Credentials = credentials.NewStaticCredentialsProvider(dummyKeyID, dummySecret, "")
	}
	return awsSettings{Config: cfg, source: found.Source}, nil
}
