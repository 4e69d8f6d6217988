package e2e

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// terraformZones makes the zones of Terraform's record sets and associations, and returns
// their ids. Terraform waits 15 seconds for each zone, record set and association: with
// these zones there before, it waits for all at the same time.
func terraformZones(t *testing.T, url string) (records, shared string) {
	t.Helper()
	send := func(path, body string) string { return callRoute53(t, url, path, body) }
	records = createZone(t, send, "tf.example.com", "")
	send("/hostedzone/"+records+"/rrset", `<ChangeResourceRecordSetsRequest xmlns="`+route53Namespace+`">
		<ChangeBatch><Changes><Change><Action>CREATE</Action><ResourceRecordSet><Name>target.tf.example.com</Name><Type>A</Type><TTL>60</TTL>
		<ResourceRecords><ResourceRecord><Value>192.0.2.9</Value></ResourceRecord></ResourceRecords></ResourceRecordSet></Change></Changes></ChangeBatch>
		</ChangeResourceRecordSetsRequest>`)
	return records, createZone(t, send, "shared.test", "<VPC><VPCRegion>us-east-1</VPCRegion><VPCId>vpc-1</VPCId></VPC>")
}

// createZone makes a hosted zone, private if it has a VPC, and returns its id. Send sends a
// request.
func createZone(t *testing.T, send func(path, body string) string, name, vpc string) string {
	t.Helper()
	answer := send("/hostedzone", `<CreateHostedZoneRequest xmlns="`+route53Namespace+`">
		<Name>`+name+`</Name>`+vpc+`<CallerReference>`+name+`</CallerReference></CreateHostedZoneRequest>`)
	id := regexp.MustCompile(`<Id>/hostedzone/(\w+)</Id>`).FindStringSubmatch(answer)
	if id == nil {
		t.Fatalf("CreateHostedZone answers %s", answer)
	}
	return id[1]
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

// terraformRoute53 has zones, record sets of every type and policy, health checks of every
// kind, an association, an authorization, and data sources. ZONE and SHARED are
// the ids of terraformZones, in quotes.
const terraformRoute53 = `
resource "aws_route53_zone" "public" {
  name = "zone.example.com"
  comment = "VALUE"
  tags = { env = "VALUE" }
}
resource "aws_route53_zone" "private" {
  name = "private.test"
  vpc { vpc_id = "vpc-1" }
}
resource "aws_route53_zone_association" "second" {
  zone_id = SHARED
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
resource "aws_route53_health_check" "match" {
  fqdn = "localhost"
  ip_address = "127.0.0.1"
  port = 443
  type = "HTTPS_STR_MATCH"
  search_string = "ok"
  resource_path = "/"
  failure_threshold = 10
  request_interval = 10
  measure_latency = true
  invert_healthcheck = true
  disabled = true
  regions = ["us-east-1", "eu-west-1", "sa-east-1"]
}
resource "aws_route53_health_check" "tcp" {
  ip_address = "::1"
  port = 53
  type = "TCP"
  failure_threshold = 1
  request_interval = 30
}
resource "aws_route53_health_check" "sum" {
  type = "CALCULATED"
  child_health_threshold = 1
  child_healthchecks = [aws_route53_health_check.http.id]
}
resource "aws_route53_vpc_association_authorization" "third" {
  zone_id = SHARED
  vpc_id = "vpc-3"
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
  for_each = local.simple
  zone_id = ZONE
  name = "r-${each.key == "DS" ? "ns" : lower(each.key)}.tf.example.com" # a DS record is for a delegation
  type = each.key
  ttl = 300
  records = each.value
}
resource "aws_route53_record" "wild" {
  zone_id = ZONE
  name = "*.w.tf.example.com"
  type = "A"
  ttl = 60
  records = ["192.0.2.3"]
}
resource "aws_route53_record" "weighted" {
  count = 2
  zone_id = ZONE
  name = "weighted.tf.example.com"
  type = "A"
  ttl = 60
  records = ["192.0.2.${count.index}"]
  set_identifier = "w${count.index}"
  health_check_id = aws_route53_health_check.http.id
  weighted_routing_policy { weight = count.index }
}
resource "aws_route53_record" "latency" {
  zone_id = ZONE
  name = "latency.tf.example.com"
  type = "A"
  ttl = 60
  records = ["192.0.2.4"]
  set_identifier = "l"
  latency_routing_policy { region = "eu-west-1" }
}
resource "aws_route53_record" "failover" {
  for_each = { PRIMARY = "192.0.2.5", SECONDARY = "192.0.2.6" }
  zone_id = ZONE
  name = "failover.tf.example.com"
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
  name = "geo.tf.example.com"
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
  name = "multi.tf.example.com"
  type = "A"
  ttl = 60
  records = ["192.0.2.1${count.index}"]
  set_identifier = "m${count.index}"
  multivalue_answer_routing_policy = true
}
resource "aws_route53_record" "alias" {
  zone_id = ZONE
  name = "alias.tf.example.com"
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
data "aws_route53_zone" "tagged" {
  name = aws_route53_zone.public.name
  tags = aws_route53_zone.public.tags
}
data "aws_route53_zone" "private" {
  name = aws_route53_zone.private.name
  private_zone = true
  vpc_id = "vpc-1"
}
data "aws_route53_zone" "id" { zone_id = ZONE }
data "aws_route53_zones" "all" {}
output "ns" { value = data.aws_route53_zone.public.name_servers }
output "zones" { value = [data.aws_route53_zone.tagged.arn, data.aws_route53_zone.private.zone_id, data.aws_route53_zone.id.resource_record_set_count, length(data.aws_route53_zones.all.ids)] }
`
