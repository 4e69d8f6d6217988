package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// TestTerraform creates resources of Cloud Map, ECS, App Mesh and Route 53, changes, imports
// and destroys them. It does so for all at a time: most of the time of a command of
// Terraform is for its AWS provider as a whole. Each apply reads everything back, and
// must change what the configuration changes and nothing else.
//
// It takes longer than any other test, and so is in the file that comes first.
func TestTerraform(t *testing.T) {
	t.Parallel()
	n := nodetest.Start(t)
	records, shared := terraformZones(t, n.URL)
	text := terraformMain + terraformCloudMap + terraformECS + terraformAppMesh + terraformRoute53 + terraformImports
	text = strings.NewReplacer("ZONE", strconv.Quote(records), "SHARED", strconv.Quote(shared)).Replace(text)
	tf := testtool.NewTerraform(t, n.URL, text, "1")
	tf.Apply("68 added, 0 changed, 0 destroyed")
	tf.Write("2")
	tf.Apply("1 added, 16 changed, 1 destroyed")
	imports := tf.Outputs("imports")
	tf.Import(imports)
	tf.Apply(fmt.Sprintf("%d imported, 0 added, 0 changed, 0 destroyed", len(imports)))
	tf.Destroy()
	nothingLeft(t, n.URL, records)
}

// nothingLeft checks that Terraform has destroyed all that it has created.
func nothingLeft(t *testing.T, url, zone string) {
	t.Helper()
	a := api{url: url, client: http.DefaultClient}
	if left := a.all(t, "ListNamespaces", "Namespaces", object{}); len(left) != 0 {
		t.Errorf("namespaces: %v", left)
	}
	for operation, want := range map[string]string{"ListClusters": `{"clusterArns":[]}`, "ListTaskDefinitions": `{"taskDefinitionArns":[]}`} {
		if left := callECS(t, url, operation, "{}"); left != want {
			t.Errorf("%s answers %s", operation, left)
		}
	}
	left := callRoute53(t, url, "/hostedzone/"+zone+"/rrset", "")
	if n := strings.Count(left, "<ResourceRecordSet>"); n != 3 { // SOA, NS and the target
		t.Errorf("%d record sets are left:\n%s", n, left)
	}
}

// callECS calls an operation of ECS without a client of AWS.
func callECS(t *testing.T, url, operation, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113."+operation)
	return answerTo(t, r)
}

// answerTo sends a request and returns the body of the answer.
func answerTo(t *testing.T, r *http.Request) string {
	t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const terraformMain = `
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_region_validation      = true
}
`

// terraformImports has the ids of the resources that are imported, by address.
const terraformImports = `
output "imports" {
  value = {
    "aws_appmesh_mesh.m" = "tf"
    "aws_appmesh_virtual_node.http" = "tf/http"
    "aws_appmesh_virtual_router.http" = "tf/http"
    "aws_appmesh_route.http" = "tf/http/route"
    "aws_appmesh_virtual_service.s" = "tf/s.local"
    "aws_appmesh_virtual_gateway.g" = "tf/g"
    "aws_appmesh_gateway_route.g" = "tf/g/route"
    "aws_route53_zone.public" = aws_route53_zone.public.zone_id
    "aws_route53_zone.private" = aws_route53_zone.private.zone_id
    "aws_route53_zone_association.second" = "${SHARED}:vpc-2"
    "aws_route53_vpc_association_authorization.third" = "${SHARED}:vpc-3"
    "aws_route53_health_check.http" = aws_route53_health_check.http.id
    "aws_route53_health_check.match" = aws_route53_health_check.match.id
    "aws_route53_health_check.sum" = aws_route53_health_check.sum.id
    "aws_route53_record.simple[\"TXT\"]" = "${ZONE}_r-txt.tf.example.com_TXT"
    "aws_route53_record.simple[\"DS\"]" = "${ZONE}_r-ns.tf.example.com_DS"
    "aws_route53_record.wild" = "${ZONE}_*.w.tf.example.com_A"
    "aws_route53_record.weighted[0]" = "${ZONE}_weighted.tf.example.com_A_w0"
    "aws_route53_record.latency" = "${ZONE}_latency.tf.example.com_A_l"
    "aws_route53_record.failover[\"PRIMARY\"]" = "${ZONE}_failover.tf.example.com_A_primary"
    "aws_route53_record.geo[\"CA\"]" = "${ZONE}_geo.tf.example.com_A_CA"
    "aws_route53_record.multi[1]" = "${ZONE}_multi.tf.example.com_A_m1"
    "aws_route53_record.alias" = "${ZONE}_alias.tf.example.com_A"
  }
}
`

const terraformCloudMap = `
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
