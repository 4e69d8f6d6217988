package e2e

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/internal/testtool"
	"github.com/cairn-discovery/cairn/node/nodetest"
)

// TestTerraformRoute53 applies zones, record sets of every type and policy, health checks
// and an association, reads them back without a difference, changes and destroys them. Terraform
// itself waits 15 seconds for each zone and
// record set. So that it waits for all at a time, the zone of the record sets and the
// target of the alias are there before.
func TestTerraformRoute53(t *testing.T) {
	t.Parallel()
	n := nodetest.Start(t)
	answer := callRoute53(t, n.URL, "/hostedzone", `<CreateHostedZoneRequest xmlns="`+route53Namespace+`">
		<Name>tf.example.com</Name><CallerReference>e2e</CallerReference></CreateHostedZoneRequest>`)
	id := regexp.MustCompile(`<Id>/hostedzone/(\w+)</Id>`).FindStringSubmatch(answer)
	if id == nil {
		t.Fatalf("CreateHostedZone answers %s", answer)
	}
	callRoute53(t, n.URL, "/hostedzone/"+id[1]+"/rrset", `<ChangeResourceRecordSetsRequest xmlns="`+route53Namespace+`">
		<ChangeBatch><Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>target.tf.example.com</Name><Type>A</Type><TTL>60</TTL>
		<ResourceRecords><ResourceRecord><Value>192.0.2.9</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch>
		</ChangeResourceRecordSetsRequest>`)
	tf := testtool.NewTerraform(t, n.URL, strings.ReplaceAll(terraformRoute53, "ZONE", strconv.Quote(id[1])), "one")
	tf.Life("two", "0 added, 3 changed, 0 destroyed")
	left := callRoute53(t, n.URL, "/hostedzone/"+id[1]+"/rrset", "")
	if n := strings.Count(left, "<ResourceRecordSet>"); n != 3 { // SOA, NS and the target
		t.Errorf("%d record sets are left:\n%s", n, left)
	}
}

const route53Namespace = "https://route53.amazonaws.com/doc/2013-04-01/"

// callRoute53 sends a request without a client of AWS: POST with a body, and otherwise
// GET.
func callRoute53(t *testing.T, url, path, body string) string {
	t.Helper()
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(t.Context(), method, url+"/2013-04-01"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return answerTo(t, r)
}

const terraformRoute53 = `
terraform {
  required_providers { aws = { source = "hashicorp/aws" } }
}
provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check = true
  skip_requesting_account_id = true
  endpoints { route53 = "ENDPOINT" }
}
resource "aws_route53_zone" "public" {
  name = "zone.example.com"
  comment = "VALUE"
  tags = { env = "VALUE" }
}
resource "aws_route53_zone" "private" {
  name = "private.test"
  vpc { vpc_id = "vpc-1" }
  lifecycle { ignore_changes = [vpc] }
}
resource "aws_route53_zone_association" "second" {
  zone_id = aws_route53_zone.private.zone_id
  vpc_id = "vpc-2"
}
resource "aws_route53_health_check" "http" {
  fqdn = "localhost"
  port = 80
  type = "HTTP"
  resource_path = "/VALUE"
  failure_threshold = 3
  request_interval = 30
  tags = { Name = "VALUE" }
}
resource "aws_route53_health_check" "sum" {
  type = "CALCULATED"
  child_health_threshold = 1
  child_healthchecks = [aws_route53_health_check.http.id]
}
locals {
  simple = {
    A = ["192.0.2.1", "192.0.2.2"], AAAA = ["2001:db8::1"], CAA = ["0 issue \"ca.example\""], CNAME = ["other.example"],
    MX = ["10 mail.example.com", "20 mail2.example.com."], NAPTR = ["100 50 \"u\" \"E2U+sip\" \"!^.*$!sip:info@example.com!\" ."],
    PTR = ["host.example.com"], SPF = ["v=spf1 -all"], SRV = ["1 1 80 host.example.com"], TXT = ["VALUE", "with \\\"quotes\\\""],
    NS = ["ns1.example.net.", "ns2.example.net."], DS = ["12345 13 2 123456789ABCDEF67890123456789ABCDEF67890123456789ABCDEF67890ABCD"],
    TLSA = ["3 1 1 0B9FA5A59EED715C26C1020C711B4F6EC42D58B0015E14337A39DAD301C5AFC3"], SSHFP = ["1 1 09F6A01D2175742B257C6B98B7C72C44C4040683"],
    SVCB = ["16 foo.example.org. alpn=\"h2\""], HTTPS = ["1 . alpn=\"h2,h3\""]
  }
}
resource "aws_route53_record" "simple" {
  for_each = { for k, v in local.simple : k => v if k != "DS" }
  zone_id = ZONE
  name = "r-${lower(each.key)}"
  type = each.key
  ttl = 300
  records = each.value
}
resource "aws_route53_record" "wild" {
  zone_id = ZONE
  name = "*.w"
  type = "A"
  ttl = 60
  records = ["192.0.2.3"]
}
resource "aws_route53_record" "weighted" {
  count = 2
  zone_id = ZONE
  name = "weighted"
  type = "A"
  ttl = 60
  records = ["192.0.2.${count.index}"]
  set_identifier = "w${count.index}"
  health_check_id = aws_route53_health_check.http.id
  weighted_routing_policy { weight = count.index }
}
resource "aws_route53_record" "latency" {
  zone_id = ZONE
  name = "latency"
  type = "A"
  ttl = 60
  records = ["192.0.2.4"]
  set_identifier = "l"
  latency_routing_policy { region = "eu-west-1" }
}
resource "aws_route53_record" "failover" {
  for_each = { PRIMARY = "192.0.2.5", SECONDARY = "192.0.2.6" }
  zone_id = ZONE
  name = "failover"
  type = "A"
  ttl = 60
  records = [each.value]
  set_identifier = lower(each.key)
  health_check_id = each.key == "PRIMARY" ? aws_route53_health_check.sum.id : null
  failover_routing_policy { type = each.key }
}
resource "aws_route53_record" "geo" {
  for_each = { EU = { continent = "EU" }, DE = { country = "DE" }, CA = { country = "US", subdivision = "CA" }, any = { country = "*" } }
  zone_id = ZONE
  name = "geo"
  type = "A"
  ttl = 60
  records = ["192.0.2.7"]
  set_identifier = each.key
  geolocation_routing_policy {
    continent = lookup(each.value, "continent", null)
    country = lookup(each.value, "country", null)
    subdivision = lookup(each.value, "subdivision", null)
  }
}
resource "aws_route53_record" "multi" {
  count = 2
  zone_id = ZONE
  name = "multi"
  type = "A"
  ttl = 60
  records = ["192.0.2.1${count.index}"]
  set_identifier = "m${count.index}"
  multivalue_answer_routing_policy = true
}
resource "aws_route53_record" "alias" {
  zone_id = ZONE
  name = "alias"
  type = "A"
  alias {
    name = "target.tf.example.com"
    zone_id = ZONE
    evaluate_target_health = true
  }
}
data "aws_route53_zone" "public" {
  name = aws_route53_zone.public.name
}
output "ns" { value = data.aws_route53_zone.public.name_servers }
`
