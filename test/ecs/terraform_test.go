package ecs

import (
	"strings"
	"testing"
	"time"

	"github.com/cairn-discovery/cairn/internal/testtool"
)

// TestTerraform applies services with registries whose tasks run, reads them back
// without a difference, changes, imports and destroys them.
func TestTerraform(t *testing.T) {
	n := start(t)
	tf := testtool.NewTerraform(t, n.url, terraformService, "1")
	tf.Apply("8 added, 0 changed, 0 destroyed")
	n.wantInstances("orders", 1)
	n.wantInstances("stock", 1)

	// Another number of tasks and another task definition.
	tf.Write("3")
	tf.Apply("1 added, 1 changed, 1 destroyed")
	n.wantInstances("orders", 3)
	if definition := text(n.call("ecs", "DescribeServices", object{"cluster": "shop", "services": []string{"orders"}}), "services", 0, "taskDefinition"); !strings.HasSuffix(definition, "/orders:2") {
		t.Errorf("the service has %s", definition)
	}

	tf.Import(map[string]string{
		"aws_ecs_service.orders":         "shop/orders",
		"aws_ecs_cluster.shop":           "shop",
		"aws_ecs_task_definition.orders": text(n.call("ecs", "DescribeTaskDefinition", object{"taskDefinition": "orders"}), "taskDefinition", "taskDefinitionArn"),
	})
	tf.Apply("3 imported, 0 added, 1 changed, 0 destroyed") // arguments that are not read back, such as wait_for_steady_state
	tf.Apply("0 added, 0 changed, 0 destroyed")
	tf.Destroy()
	for operation, list := range map[string]string{"ListClusters": "clusterArns", "ListTaskDefinitions": "taskDefinitionArns"} {
		if left := text(n.call("ecs", operation, object{}), list); left != "[]" {
			t.Errorf("%s: %s", operation, left)
		}
	}
	if left := text(n.call("servicediscovery", "ListNamespaces", object{}), "Namespaces"); left != "[]" {
		t.Errorf("namespaces: %s", left)
	}
}

// wantInstances waits until a service of shop.internal has a number of healthy instances.
// A task that runs is healthy only after its first health check.
func (n *machine) wantInstances(service string, want int) {
	n.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		found := n.call("servicediscovery", "DiscoverInstances", object{"NamespaceName": "shop.internal", "ServiceName": service, "HealthStatus": "HEALTHY"})
		instances, _ := found["Instances"].([]any)
		if len(instances) == want {
			return
		}
		if time.Now().After(end) {
			n.Errorf("%s has %v, want %d instances", service, instances, want)
			return
		}
	}
}

const terraformService = `
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_region_validation      = true
  default_tags {
    tags = { team = "a" }
  }
  # Of the first apply. The others use AWS_ENDPOINT_URL: the provider needs seconds to check
  # the endpoints.
  dynamic "endpoints" {
    for_each = VALUE == 1 ? [1] : []
    content {
      ecs              = "ENDPOINT"
      servicediscovery = "ENDPOINT"
      iam              = "ENDPOINT"
      sts              = "ENDPOINT"
    }
  }
}

resource "aws_service_discovery_private_dns_namespace" "shop" {
  name = "shop.internal"
  vpc  = "vpc-abcd1234"
}

resource "aws_service_discovery_service" "orders" {
  name          = "orders"
  force_destroy = true
  dns_config {
    namespace_id   = aws_service_discovery_private_dns_namespace.shop.id
    dns_records {
      type = "A"
      ttl  = 0
    }
  }
  health_check_custom_config {
    failure_threshold = 1
  }
}

resource "aws_service_discovery_service" "stock" {
  name = "stock"
  dns_config {
    namespace_id = aws_service_discovery_private_dns_namespace.shop.id
    dns_records {
      type = "SRV"
      ttl  = 0
    }
  }
}

resource "aws_ecs_cluster" "shop" {
  name = "shop"
}

resource "aws_ecs_task_definition" "orders" {
  family                   = "orders"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  container_definitions = jsonencode([{
    name         = "app"
    image        = "httpd:2.4"
    command      = ["httpd-foreground"]
    portMappings = [{ containerPort = 80, name = "http" }]
    environment  = [{ name = "VERSION", value = "VALUE" }]
    stopTimeout  = 2
    healthCheck = {
      command  = ["CMD", "/usr/local/bin/httpd-foreground", "check"]
      interval = 5
    }
  }])
}

resource "aws_ecs_service" "orders" {
  name                  = "orders"
  cluster               = aws_ecs_cluster.shop.id
  task_definition       = aws_ecs_task_definition.orders.arn
  desired_count         = VALUE
  launch_type           = "FARGATE"
  propagate_tags        = "SERVICE"
  wait_for_steady_state = true
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  network_configuration {
    subnets          = ["subnet-abcd1234"]
    security_groups  = ["sg-abcd1234"]
    assign_public_ip = true
  }
  service_registries {
    registry_arn = aws_service_discovery_service.orders.arn
  }
  service_connect_configuration {
    enabled   = true
    namespace = aws_service_discovery_private_dns_namespace.shop.arn
    service {
      port_name      = "http"
      discovery_name = "orders-connect"
      client_alias {
        dns_name = "orders"
        port     = 80
      }
    }
  }
  tags = { stage = "VALUE" }
}

resource "aws_ecs_service" "stock" {
  name                  = "stock"
  cluster               = aws_ecs_cluster.shop.id
  task_definition       = aws_ecs_task_definition.stock.arn
  desired_count         = 1
  wait_for_steady_state = true
  ordered_placement_strategy {
    type  = "spread"
    field = "instanceId"
  }
  placement_constraints {
    type       = "memberOf"
    expression = "attribute:ecs.os-type == linux"
  }
  service_registries {
    registry_arn   = aws_service_discovery_service.stock.arn
    container_name = "app"
    container_port = 80
  }
}

resource "aws_ecs_task_definition" "stock" {
  family = "stock"
  container_definitions = jsonencode([{
    name         = "app"
    image        = "httpd:2.4"
    memory       = 64
    command      = ["httpd-foreground"]
    portMappings = [{ containerPort = 80 }]
    stopTimeout  = 2
  }])
}
`
