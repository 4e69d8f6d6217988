package e2e

import (
	"net/http"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// TestTerraform applies, reads back without a difference, changes and destroys.
func TestTerraform(t *testing.T) {
	t.Parallel()
	n := nodetest.Start(t)
	tf := testtool.NewTerraform(t, n.URL, terraformMain, "60")
	tf.Life("5", "0 added, 2 changed, 0 destroyed")
	a := api{url: n.URL, client: http.DefaultClient}
	if left := a.all(t, "ListNamespaces", "Namespaces", object{}); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

const terraformMain = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_region_validation      = true
  endpoints {
    servicediscovery = "ENDPOINT"
  }
}

resource "aws_service_discovery_private_dns_namespace" "private" {
  name = "tutorial"
  vpc  = "vpc-abcd1234"
  tags = { team = "a" }
}

resource "aws_service_discovery_public_dns_namespace" "public" {
  name        = "public.example"
  description = "d"
}

resource "aws_service_discovery_http_namespace" "http" {
  name = "http"
}

resource "aws_service_discovery_service" "dns" {
  name = "web"
  dns_config {
    namespace_id = aws_service_discovery_private_dns_namespace.private.id
    dns_records {
      ttl  = VALUE
      type = "A"
    }
  }
  health_check_custom_config {
    failure_threshold = 1
  }
}

resource "aws_service_discovery_service" "checked" {
  name = "checked"
  dns_config {
    namespace_id   = aws_service_discovery_public_dns_namespace.public.id
    routing_policy = "WEIGHTED"
    dns_records {
      ttl  = VALUE
      type = "A"
    }
  }
  health_check_config {
    type              = "HTTP"
    resource_path     = "/live"
    failure_threshold = 3 # always in answers, and the provider has no default
  }
}

resource "aws_service_discovery_service" "http" {
  name         = "api"
  namespace_id = aws_service_discovery_http_namespace.http.id
}

resource "aws_service_discovery_instance" "one" {
  instance_id = "one"
  service_id  = aws_service_discovery_service.dns.id
  attributes  = { AWS_INSTANCE_IPV4 = "10.0.0.1", custom = "x" }
}

data "aws_service_discovery_dns_namespace" "private" {
  name       = "tutorial"
  type       = "DNS_PRIVATE"
  depends_on = [aws_service_discovery_private_dns_namespace.private]
}

data "aws_service_discovery_http_namespace" "http" {
  name       = "http"
  depends_on = [aws_service_discovery_http_namespace.http]
}
`
