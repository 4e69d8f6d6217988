package e2e

// terraformECS has clusters, their capacity providers, task definitions and settings.
// Services are in test/ecs.
const terraformECS = `
resource "aws_service_discovery_http_namespace" "connect" {
  name = "connect"
  tags = { team = "a" }
}

resource "aws_ecs_cluster" "plain" {
  name = "plain"
  tags = { team = "a" }
}

resource "aws_ecs_cluster" "full" {
  name = "full"
  setting {
    name  = "containerInsights"
    value = VALUE == 1 ? "enabled" : "disabled"
  }
  configuration {
    execute_command_configuration {
      logging = "OVERRIDE"
      log_configuration {
        cloud_watch_log_group_name = "group"
      }
    }
  }
  service_connect_defaults {
    namespace = aws_service_discovery_http_namespace.connect.arn
  }
  tags = { team = "a", stage = "VALUE" }
}

resource "aws_ecs_cluster_capacity_providers" "full" {
  cluster_name       = aws_ecs_cluster.full.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]
  default_capacity_provider_strategy {
    base              = 1
    weight            = 100
    capacity_provider = "FARGATE"
  }
}

resource "aws_ecs_account_setting_default" "insights" {
  name  = "containerInsights"
  value = VALUE == 1 ? "enabled" : "disabled"
}

resource "aws_ecs_task_definition" "fargate" {
  family                   = "fargate"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = 256
  memory                   = 512
  execution_role_arn       = "arn:aws:iam::000000000000:role/run"
  task_role_arn            = "arn:aws:iam::000000000000:role/task"
  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = "X86_64"
  }
  tags = { team = "a" }
  ephemeral_storage {
    size_in_gib = 30
  }
  volume {
    name = "scratch"
  }
  container_definitions = jsonencode([
    {
      name        = "web"
      image       = "httpd:2.4"
      essential   = true
      command     = ["-D", "FOREGROUND"]
      environment = [{ name = "STAGE", value = "VALUE" }, { name = "A", value = "1" }]
      secrets     = [{ name = "TOKEN", valueFrom = "arn:aws:ssm:us-east-1:000000000000:parameter/token" }]
      portMappings = [
        { containerPort = 80, name = "http", appProtocol = "http" },
        { containerPort = 8080 },
      ]
      mountPoints = [{ sourceVolume = "scratch", containerPath = "/scratch" }]
      healthCheck = { command = ["CMD-SHELL", "curl -f http://localhost/"] }
      dependsOn   = [{ containerName = "init", condition = "SUCCESS" }]
      dockerLabels = {
        "cairn.discovery.namespace-id" = aws_service_discovery_http_namespace.connect.id
        "cairn.discovery.service-name" = "web"
      }
      logConfiguration = {
        logDriver = "awslogs"
        options = {
          awslogs-group         = "/ecs/web"
          awslogs-region        = "us-east-1"
          awslogs-stream-prefix = "web"
        }
      }
    },
    {
      name         = "init"
      image        = "busybox"
      essential    = false
      portMappings = []
      environment  = []
    },
  ])
}

resource "aws_ecs_task_definition" "bridge" {
  family       = "bridge"
  skip_destroy = false
  volume {
    name      = "data"
    host_path = "/srv/data"
  }
  volume {
    name = "shared"
    docker_volume_configuration {
      scope         = "shared"
      autoprovision = true
      driver        = "local"
    }
  }
  placement_constraints {
    type       = "memberOf"
    expression = "attribute:ecs.os-type == linux"
  }
  container_definitions = jsonencode([{
    name         = "db"
    image        = "postgres"
    cpu          = 10
    memory       = 256
    portMappings = [{ containerPort = 5432, hostPort = 0, protocol = "tcp" }]
    mountPoints  = [{ sourceVolume = "data", containerPath = "/data", readOnly = false }]
    ulimits      = [{ name = "nofile", softLimit = 1024, hardLimit = 4096 }]
    linuxParameters = {
      capabilities       = { add = ["NET_ADMIN"], drop = ["ALL"] }
      initProcessEnabled = true
    }
    user        = "1000:1000"
    stopTimeout = 10
  }])
  tags = { team = "a", stage = "VALUE" }
}
`
