package e2e

import "strings"

// terraformAppMesh has resources of each kind and routes of each protocol. The protocols'
// own parts are in a loop: listeners and nodes of http, http2, grpc and tcp.
var terraformAppMesh = strings.ReplaceAll(`
resource "aws_appmesh_mesh" "m" {
  name = "tf"
  spec {
    egress_filter { type = "ALLOW_ALL" }
  }
  tags = { env = "VALUE" }
}
resource "aws_appmesh_virtual_node" "http" {
  name = "http"
  MESH
  spec {
    backend {
      virtual_service {
        virtual_service_name = "other.local"
        client_policy {
          tls {
            ports = [8443]
            certificate {
              file {
                certificate_chain = "/c.pem"
                private_key = "/k.pem"
              }
            }
            validation {
              subject_alternative_names {
                match { exact = ["a.example", "b.example"] }
              }
              trust {
                sds { secret_name = "ca" }
              }
            }
          }
        }
      }
    }
    listener {
      port_mapping {
        port = 8080
        protocol = "http"
      }
      connection_pool {
        http {
          max_connections = VALUE
          max_pending_requests = 5
        }
      }
      health_check {
        protocol = "http"
        path = "/ping"
        healthy_threshold = 2
        unhealthy_threshold = 2
        timeout_millis = 2000
        interval_millis = 5000
      }
      outlier_detection {
        base_ejection_duration {
          unit = "ms"
          value = 250000
        }
        interval {
          unit = "s"
          value = 10
        }
        max_ejection_percent = 75
        max_server_errors = 10
      }
      timeout {
        http {
          idle {
            unit = "ms"
            value = 1000
          }
          per_request {
            unit = "s"
            value = VALUE
          }
        }
      }
      tls {
        mode = "PERMISSIVE"
        certificate {
          sds { secret_name = "own" }
        }
        validation {
          trust {
            file { certificate_chain = "/ca.pem" }
          }
        }
      }
    }
    logging {
      access_log {
        file { path = "/dev/stdout" }
      }
    }
    service_discovery {
      aws_cloud_map {
        namespace_name = "shop"
        service_name = "cart"
        attributes = { stack = "blue", zone = "a" }
      }
    }
  }
}
resource "aws_appmesh_virtual_node" "dns" {
  for_each = toset(["http2", "grpc", "tcp"])
  name = each.key
  MESH
  spec {
    listener {
      port_mapping {
        port = 8080
        protocol = each.key
      }
    }
    service_discovery {
      dns {
        hostname = "${each.key}.local"
        response_type = "LOADBALANCER"
        ip_preference = "IPv4_ONLY"
      }
    }
  }
}
resource "aws_appmesh_virtual_router" "http" {
  name = "http"
  MESH
  spec {
    listener {
      port_mapping {
        port = 8080
        protocol = "http"
      }
    }
  }
}
resource "aws_appmesh_virtual_router" "other" {
  for_each = aws_appmesh_virtual_node.dns
  name = each.key
  MESH
  spec {
    listener {
      port_mapping {
        port = 8080
        protocol = each.key
      }
    }
  }
}
resource "aws_appmesh_route" "http" {
  name = "route"
  MESH
  virtual_router_name = aws_appmesh_virtual_router.http.name
  spec {
    priority = VALUE
    http_route {
      match {
        prefix = "/"
        method = "POST"
        header {
          name = "clientRequestId"
          match { prefix = "123" }
        }
        header {
          name = "n"
          invert = true
          match {
            range {
              start = 1
              end = 5
            }
          }
        }
        query_parameter {
          name = "q"
          match { exact = "v" }
        }
      }
      action {
        weighted_target {
          virtual_node = aws_appmesh_virtual_node.http.name
          weight = 90
          port = 8080
        }
        weighted_target {
          virtual_node = aws_appmesh_virtual_node.dns["http2"].name
          weight = VALUE
        }
      }
      retry_policy {
        http_retry_events = ["server-error", "gateway-error"]
        tcp_retry_events = ["connection-error"]
        max_retries = 1
        per_retry_timeout {
          unit = "s"
          value = 15
        }
      }
      timeout {
        idle {
          unit = "s"
          value = VALUE
        }
      }
    }
  }
  tags = { env = "VALUE" }
}
resource "aws_appmesh_route" "http2" {
  name = "route"
  MESH
  virtual_router_name = aws_appmesh_virtual_router.other["http2"].name
  spec {
    http2_route {
      match {
        path { regex = "/(a|b)/VALUE" }
      }
      action {
        weighted_target {
          virtual_node = "http2"
          weight = 100
        }
      }
    }
  }
}
resource "aws_appmesh_route" "grpc" {
  name = "route"
  MESH
  virtual_router_name = aws_appmesh_virtual_router.other["grpc"].name
  spec {
    grpc_route {
      match {
        service_name = "shop.Cart"
        method_name = "Add"
        metadata {
          name = "X-Testing"
          match { exact = "VALUE" }
        }
      }
      action {
        weighted_target {
          virtual_node = "grpc"
          weight = 100
        }
      }
      retry_policy {
        grpc_retry_events = ["deadline-exceeded", "resource-exhausted"]
        http_retry_events = ["server-error"]
        max_retries = 1
        per_retry_timeout {
          unit = "ms"
          value = 250
        }
      }
    }
  }
}
resource "aws_appmesh_route" "tcp" {
  name = "route"
  MESH
  virtual_router_name = aws_appmesh_virtual_router.other["tcp"].name
  spec {
    tcp_route {
      action {
        weighted_target {
          virtual_node = "tcp"
          weight = 100
        }
      }
      timeout {
        idle {
          unit = "s"
          value = VALUE
        }
      }
    }
  }
}
resource "aws_appmesh_virtual_service" "s" {
  name = "s.local"
  MESH
  spec {
    provider {
      virtual_router { virtual_router_name = aws_appmesh_virtual_router.http.name }
    }
  }
}
resource "aws_appmesh_virtual_service" "node" {
  name = "node.local"
  MESH
  spec {
    provider {
      virtual_node { virtual_node_name = aws_appmesh_virtual_node.dns["tcp"].name }
    }
  }
}
resource "aws_appmesh_virtual_gateway" "g" {
  name = "g"
  MESH
  spec {
    listener {
      port_mapping {
        port = 8080
        protocol = "http"
      }
      connection_pool {
        http { max_connections = VALUE }
      }
    }
    backend_defaults {
      client_policy {
        tls {
          enforce = false
          validation {
            trust {
              file { certificate_chain = "/ca.pem" }
            }
          }
        }
      }
    }
  }
}
resource "aws_appmesh_gateway_route" "g" {
  name = "route"
  MESH
  virtual_gateway_name = aws_appmesh_virtual_gateway.g.name
  spec {
    priority = VALUE
    http_route {
      match {
        prefix = "/cart/"
        hostname { suffix = ".example.com" }
      }
      action {
        target {
          virtual_service { virtual_service_name = aws_appmesh_virtual_service.s.name }
        }
        rewrite {
          hostname { default_target_hostname = "DISABLED" }
          prefix { value = "/c/" }
        }
      }
    }
  }
}
data "aws_appmesh_mesh" "m" { name = aws_appmesh_mesh.m.name }
data "aws_appmesh_route" "http" {
  name = aws_appmesh_route.http.name
  mesh_name = aws_appmesh_mesh.m.name
  virtual_router_name = aws_appmesh_virtual_router.http.name
}
`, "  MESH\n", "  mesh_name = aws_appmesh_mesh.m.name\n")
