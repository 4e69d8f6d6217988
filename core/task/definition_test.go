package task

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// base is a valid definition; the cases change it.
const base = `{"containerDefinitions": [{"name": "app", "image": "img", "memory": 100}]}`

// fargate is a valid definition for Fargate.
const fargate = `{"networkMode": "awsvpc", "cpu": "256", "memory": "512", "requiresCompatibilities": ["FARGATE"],
	"containerDefinitions": [{"name": "app", "image": "img"}]}`

// parse reads the text of a definition of the family f, with members replaced by those
// of changes, which are JSON too.
func parse(t testing.TB, text string, changes ...string) *Definition {
	t.Helper()
	d := &Definition{Family: "f", Account: "123456789012"}
	if err := json.Unmarshal([]byte(text), d); err != nil {
		t.Fatal(err)
	}
	for _, change := range changes {
		if err := json.Unmarshal([]byte(change), d); err != nil {
			t.Fatalf("%s: %s", change, err)
		}
	}
	d.normalize()
	return d
}

// app is a list of one container with a further member.
func app(member string) string {
	return `{"containerDefinitions": [{"name": "app", "image": "img", "memory": 100, ` + member + `}]}`
}

// TestDefinitionErrors has the texts of AWS. Other texts are ours; see
// docs/divergences/ecs-task-definitions.md.
func TestDefinitionErrors(t *testing.T) {
	two := `{"containerDefinitions": [{"name": "app", "image": "img", "memory": 100, MEMBER}, {"name": "db", "image": "img", "memory": 100, OTHER}]}`
	pair := func(member, other string) string {
		return strings.NewReplacer("MEMBER", member, "OTHER", other).Replace(two)
	}
	check := `"healthCheck": {"command": ["CMD", "x"], `
	for _, c := range []struct{ base, change, text string }{
		{base, `{}`, ""},
		{fargate, `{}`, ""},
		{base, `{"containerDefinitions": []}`, "Container list cannot be empty"},
		{base, `{"containerDefinitions": [{"image": "img", "name": ""}]}`, "Container.name should not be null or empty."},
		{`{}`, `{"containerDefinitions": [{"name": "app"}]}`, "Container.image should not be null or empty."},
		{base, `{"containerDefinitions": [{"name": "a b"}]}`, `Container.name contains invalid characters. "a b" must match ^[a-zA-Z0-9_-]{1,255}$`},
		{base, `{"containerDefinitions": [{"name": "a\nb"}]}`, `Container.name contains invalid characters. "a\nb" must match ^[a-zA-Z0-9_-]{1,255}$`},
		{base, `{"containerDefinitions": [{"name": "a\u0000"}]}`, `Container.name contains invalid characters. "a\x00" must match ^[a-zA-Z0-9_-]{1,255}$`},
		{base, `{"containerDefinitions": [{"name": "app", "image": "i\nmg"}]}`, `Container.image contains invalid characters. "i\nmg" for container 'app' must be the name of an image`},
		{base, `{"containerDefinitions": [{"name": "app", "image": "` + strings.Repeat("i", 256) + `"}]}`, "Container.image has 256 characters for container 'app': it can have at most 255"},
		{base, `{"containerDefinitions": [{"name": "app", "image": "img", "memory": 9}, {"name": "app", "image": "img", "memory": 9}]}`, "Container names must be unique within a task definition"},
		{base, app(`"essential": false`), "Task definition doesn't have any essential container"},
		{`{}`, `{"containerDefinitions": [{"name": "x", "image": "img"}]}`, "Invalid setting for container 'x'. At least one of 'memory' or 'memoryReservation' must be specified."},
		{`{"requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc", "cpu": "256"}`, `{"containerDefinitions": [{"name": "x", "image": "img"}]}`,
			"Invalid setting for container 'x'. At least one of 'memory' or 'memoryReservation' must be specified."},
		{base, `{"memory": "50"}`, "The 'memory' setting for container 'app' is greater than for the task"},
		{base, app(`"memoryReservation": 101`), "'memory' must be greater than or equal to 'memoryReservation'"},
		{base, `{"memory": "1000000000000"}`, `Invalid 'memory' setting for task. "1000000000000" must be a number of MiB, such as 512, or GB, such as 0.5 GB, from 1 to 16777216`},
		{base, `{"cpu": "1 cpu"}`, `Invalid 'cpu' setting for task. "1 cpu" must be a number of units of CPU, such as 256, or vCPUs, such as 0.25 vCPU, from 1 to 196608`},
		{app(`"cpu": 300`), `{"cpu": "256"}`, "The sum of all container 'cpu' values cannot be greater than the task-level 'cpu' value"},
		{fargate, `{"networkMode": "bridge"}`, "Fargate only supports network mode 'awsvpc'."},
		{fargate, `{"cpu": ""}`, "Fargate requires that 'cpu' be defined at the task level."},
		{fargate, `{"memory": "", "containerDefinitions": [{"name": "app", "image": "img", "memory": 100}]}`, "Fargate requires that 'memory' be defined at the task level."},
		{fargate, `{"memory": "513"}`, "No Fargate configuration exists for given values."},
		{fargate, `{"ipcMode": "task"}`, "Tasks using the Fargate launch type do not support ipcMode."},
		{fargate, `{"containerDefinitions": [{"name": "app", "image": "img", "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}}}]}`,
			"Fargate requires log configuration options to include awslogs-stream-prefix to support log driver awslogs."},
		{fargate, `{"containerDefinitions": [{"name": "app", "image": "img", "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-stream-prefix": "p"}}}]}`,
			"Fargate requires task definition to have execution role ARN to support log driver awslogs."},
		{fargate, `{"containerDefinitions": [{"name": "app", "image": "img", "privileged": true}]}`, "Tasks using the Fargate launch type do not support privileged of container 'app'."},
		{fargate, `{"containerDefinitions": [{"name": "app", "image": "img", "stopTimeout": 121}]}`, "The 'stopTimeout' setting for container 'app' must be between 0 and 120."},
		{fargate, `{"runtimePlatform": {"operatingSystemFamily": "WINDOWS_SERVER_2022_CORE"}}`, "Fargate with operatingSystemFamily WINDOWS_SERVER_2022_CORE is not supported by cairn"},
		{fargate, `{"volumes": [{"name": "v", "host": {"sourcePath": "/data"}}]}`, "Tasks using the Fargate launch type do not support host.sourcePath of volume 'v'."},
		{app(`"portMappings": [{"containerPort": 80, "hostPort": 81}]`), `{"networkMode": "host"}`, "When networkMode=host, the host ports and container ports in port mappings must match."},
		{app(`"portMappings": [{"containerPort": 80, "hostPort": 81}]`), `{"networkMode": "awsvpc"}`, "When networkMode=awsvpc, the host ports and container ports in port mappings must match."},
		{app(`"portMappings": [{"containerPort": 80}]`), `{"networkMode": "none"}`, "Port mappings are not supported on container when networkMode=none."},
		{app(`"portMappings": [{"hostPort": 80}]`), `{}`, "Invalid 'containerPort' setting for container 'app'. 0 is not from 1 to 65535"},
		{app(`"portMappings": [{"containerPort": 80, "hostPort": 65536}]`), `{}`, "Invalid 'hostPort' setting for container 'app'. 65536 is not from 0 to 65535"},
		{app(`"portMappings": [{"containerPort": 80, "hostPort": 80}, {"containerPort": 81, "hostPort": 80}]`), `{}`, "The host port 80/tcp of container 'app' is already used by another port mapping"},
		{app(`"portMappings": [{"containerPortRange": "90-80"}]`), `{}`, `Invalid 'containerPortRange' setting for container 'app'. "90-80" must be FIRST-LAST, from 1 to 65535`},
		{app(`"hostname": "h"`), `{"networkMode": "awsvpc"}`, "hostname is not supported on container when networkMode=awsvpc."},
		{app(`"extraHosts": [{"hostname": "h", "ipAddress": "10.0.0.1"}]`), `{"networkMode": "awsvpc"}`, "Extra hosts are not supported on container when networkMode=awsvpc."},
		{app(`"extraHosts": [{"hostname": "h", "ipAddress": "10.0.0.1\n127.0.0.1 x"}]`), `{}`,
			`extraHosts of container 'app' has the host "h" with the address "10.0.0.1\n127.0.0.1 x": it needs a host name and an IP address`},
		{app(`"portMappings": [{"name": "p", "containerPort": 80}, {"name": "p", "containerPort": 81}]`), `{"networkMode": "awsvpc"}`, "When networkMode=awsvpc, port mapping name is already used"},
		{app(`"links": ["nope"]`), `{}`, `links of container 'app' has "nope": it must name another container of the task definition`},
		{app(`"dependsOn": [{"containerName": "nope", "condition": "START"}]`), `{}`, "Cannot depend on container + 'nope' because it does not exist"},
		{base, pair(`"dependsOn": [{"containerName": "db", "condition": "SUCCESS"}]`, `"cpu": 0`), "A dependency container with SUCCESS or COMPLETE condition cannot be an essential container"},
		{base, pair(`"dependsOn": [{"containerName": "db", "condition": "HEALTHY"}]`, `"cpu": 0`), "A dependency container with HEALTHY condition must have health check configured"},
		{base, pair(`"dependsOn": [{"containerName": "db", "condition": "START"}]`, `"dependsOn": [{"containerName": "app", "condition": "START"}]`), "dependsOn of container 'app' leads back to the container itself"},
		{base, pair(`"dependsOn": [{"containerName": "db", "condition": "START"}]`, `"cpu": 0`), ""},
		{app(check + `"interval": 301}`), `{}`, "Health check interval must be less than or equal to the maximum allowed value 300 for container 'app'"},
		{app(check + `"timeout": 61}`), `{}`, "Health check timeout must be less than or equal to the maximum allowed value 60 for container 'app'"},
		{app(check + `"retries": 11}`), `{}`, "Health check retries must be less than or equal to the maximum allowed value 10 for container 'app'"},
		{app(check + `"startPeriod": 301}`), `{}`, "Health check startPeriod must be less than or equal to the maximum allowed value 300 for container 'app'"},
		{app(check + `"interval": 4}`), `{}`, "Health check interval must be greater than or equal to the minimum allowed value 5 for container 'app'"},
		{app(`"healthCheck": {"command": ["curl"]}`), `{}`, "Health check command for container 'app' must begin with CMD or CMD-SHELL and have a command after it"},
		{app(`"restartPolicy": {"enabled": true, "restartAttemptPeriod": 59}`), `{}`, "The 'restartAttemptPeriod' setting for container 'app' must be between 60 and 1800."},
		{app(`"mountPoints": [{"sourceVolume": "nope", "containerPath": "/x"}]`), `{}`, "Unknown volume 'nope'."},
		{base, `{"volumes": [{"name": "v", "configuredAtLaunch": true}]}`, "Volumes [v] are not referenced by any of the containers"},
		{base, `{"volumes": [{"name": "v", "host": {"sourcePath": "data"}}]}`, `host.sourcePath of volume 'v' is "data": it must be an absolute path`},
		{base, `{"volumes": [{"name": "v", "host": {"sourcePath": "/data/../../etc"}}]}`, `host.sourcePath of volume 'v' is "/data/../../etc": it must not have the part '..'`},
		{base, `{"volumes": [{"name": "v", "host": {"sourcePath": "/data\u0000/x"}}]}`, `host.sourcePath of volume 'v' is "/data\x00/x": it must not have control characters`},
		{base, `{"volumes": [{"name": "../v"}]}`, `Volume.name contains invalid characters. "../v" must match ^[a-zA-Z0-9_-]{1,255}$`},
		{base, `{"volumes": [{"name": "v"}, {"name": "v"}]}`, "Volume names must be unique within a task definition: 'v'"},
		{base, `{"volumes": [{"name": "v", "dockerVolumeConfiguration": {"driverOpts": {"type": "none", "o": "bind", "device": "/etc/../root"}}}]}`,
			`dockerVolumeConfiguration.driverOpts.device of volume 'v' is "/etc/../root": it must not have the part '..'`},
		{app(`"mountPoints": [{"sourceVolume": "v", "containerPath": "/"}]`), `{"volumes": [{"name": "v"}]}`, `containerPath "/" of container 'app' must be a directory below / that no other mount point has`},
		{app(`"volumesFrom": [{"sourceContainer": "nope"}]`), `{}`, `volumesFrom of container 'app' has "nope": it must name another container of the task definition`},
		{app(`"logConfiguration": {"logDriver": "awslogs"}`), `{}`, "Log driver awslogs requires options: awslogs-group"},
		{app(`"secrets": [{"name": "S", "valueFrom": "arn:aws:ssm:eu-west-1:123456789012:parameter/x"}]`), `{}`, "When you are specifying container secrets, you must also specify a value for 'executionRoleArn'"},
		{app(`"secrets": [{"name": "S", "valueFrom": "file:/run/secret"}, {"name": "E", "valueFrom": "env:TOKEN"}]`), `{}`, ""},
		{app(`"secrets": [{"name": "S", "valueFrom": "file:../secret"}]`), `{}`, `secrets.S of container 'app' is "../secret": it must be an absolute path`},
		{base, `{"ephemeralStorage": {"sizeInGiB": 20}}`, "EphemeralStorage size should be at least 21"},
		{base, `{"ephemeralStorage": {"sizeInGiB": 201}}`, "EphemeralStorage size should be at most 200"},
		{app(`"environment": [{"name": "A=B", "value": "x"}]`), `{}`, `environment of container 'app' has the name "A=B": it must not be empty and must not have '=' or control characters`},
		{app(`"environment": [{"name": "A\nB", "value": "x"}]`), `{}`, `environment of container 'app' has the name "A\nB": it must not be empty and must not have '=' or control characters`},
		{app(`"environment": [{"name": "A", "value": "x\u0000"}]`), `{}`, `environment.A of container 'app' has "x\x00": it must not have the character NUL`},
		{app(`"command": ["a\u0000"]`), `{}`, `command of container 'app' has "a\x00": it must not have the character NUL`},
		{app(`"workingDirectory": "x/../.."`), `{}`, `workingDirectory of container 'app' is "x/../..": it must be an absolute path`},
		{app(`"user": "root\nx"`), `{}`, `user "root\nx" of container 'app' must be a user or an id, with an optional group after ':'`},
		{app(`"ulimits": [{"name": "nofile", "softLimit": 10, "hardLimit": 5}]`), `{}`,
			`ulimits of container 'app' has "nofile" with softLimit 10 and hardLimit 5: softLimit cannot be above hardLimit, and there can be one of each name`},
		{app(`"linuxParameters": {"tmpfs": [{"containerPath": "/t", "size": 0}]}`), `{}`, "linuxParameters.tmpfs.size of container 'app' is 0 MiB: it must be from 1 to 16777216"},
		{app(`"linuxParameters": {"devices": [{"hostPath": "/dev/../etc"}]}`), `{}`, `linuxParameters.devices.hostPath of container 'app' is "/dev/../etc": it must not have the part '..'`},
		{app(`"linuxParameters": {"capabilities": {"add": ["sys admin"]}}`), `{}`, `linuxParameters.capabilities of container 'app' has "sys admin": it must match ^[A-Z_]{1,64}$`},
		{base, `{"taskRoleArn": "arn:aws:iam::123456789012:user/x"}`, `Role is not valid: taskRoleArn is "arn:aws:iam::123456789012:user/x", which must be the name or the ARN of a role of the account`},
	} {
		err := parse(t, c.base, c.change).validate(maxContainers)
		if text := message(err); text != c.text {
			t.Errorf("%s with %s:\n got %q\nwant %q", c.base, c.change, text, c.text)
		}
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// TestDefinitionSize bounds a definition by its bytes, before checks that take longer.
func TestDefinitionSize(t *testing.T) {
	d := parse(t, base)
	for range 100_000 {
		d.ContainerDefinitions[0].Environment = append(d.ContainerDefinitions[0].Environment, KeyValuePair{Name: "N", Value: new("v")})
	}
	if text := message(d.validate(maxContainers)); !strings.HasSuffix(text, "Max allowed length is '65536' bytes.") {
		t.Error(text)
	}
}

func TestDefinitionDefaults(t *testing.T) {
	d := parse(t, `{"cpu": "1 vCPU", "memory": "0.5 GB", "taskRoleArn": "web", "networkMode": "awsvpc",
		"containerDefinitions": [{"name": "app", "image": "img", "portMappings": [{"containerPort": 80}], "healthCheck": {"command": ["CMD", "x"]}}]}`)
	c := d.ContainerDefinitions[0]
	p := c.PortMappings[0]
	if d.CPU != "1024" || d.Memory != "512" || d.TaskRoleARN != "arn:aws:iam::123456789012:role/web" {
		t.Errorf("task: %s %s %s", d.CPU, d.Memory, d.TaskRoleARN)
	}
	if *c.CPU != 0 || !*c.Essential || *p.HostPort != 80 || p.Protocol != "tcp" {
		t.Errorf("container: %+v", c)
	}
	if h := c.HealthCheck; *h.Interval != 30 || *h.Timeout != 5 || *h.Retries != 3 || h.StartPeriod != nil {
		t.Errorf("health check: %+v", h)
	}
	if c.StopTimeout != nil || c.StartTimeout != nil || c.User != "" {
		t.Error("a member is filled in that Terraform would see as a change")
	}
	if p := parse(t, app(`"portMappings": [{"containerPort": 80}]`)).ContainerDefinitions[0].PortMappings[0]; *p.HostPort != 0 {
		t.Errorf("bridge: hostPort %d, want 0", *p.HostPort)
	}
}

func TestNormalizeSize(t *testing.T) {
	for _, c := range []struct{ cpu, memory, wantCPU, wantMemory string }{
		{"1 vCPU", "0.5 GB", "1024", "512"},
		{".25 vcpu", "1GB", "256", "1024"},
		{"256", "512", "256", "512"},
		{"x vCPU", "-1 GB", "x vCPU", "-1 GB"},
		{"NaN vCPU", "Inf GB", "NaN vCPU", "Inf GB"},
		{"1e300 vCPU", "0.0001 GB", "1e300 vCPU", "0.0001 GB"},
	} {
		d := parse(t, `{}`)
		d.CPU, d.Memory = c.cpu, c.memory
		d.normalize()
		if d.CPU != c.wantCPU || d.Memory != c.wantMemory {
			t.Errorf("%q, %q became %q, %q", c.cpu, c.memory, d.CPU, d.Memory)
		}
	}
}

func TestCompatibilities(t *testing.T) {
	for _, c := range []struct {
		base, change string
		want         []string
	}{
		{base, `{}`, []string{"EXTERNAL", "EC2"}},
		{base, `{"networkMode": "host"}`, []string{"EXTERNAL", "EC2"}},
		{fargate, `{}`, []string{"EC2", "FARGATE"}},
		{fargate, `{"memory": "600", "requiresCompatibilities": []}`, []string{"EC2"}},
	} {
		d := parse(t, c.base, c.change)
		d.setCompatibilities()
		if !slices.Equal(d.Compatibilities, c.want) {
			t.Errorf("%s with %s: %v, want %v", c.base, c.change, d.Compatibilities, c.want)
		}
	}
}

func TestFargateSizes(t *testing.T) {
	for _, c := range []struct {
		cpu, memory int64
		want        bool
	}{
		{256, 512, true}, {256, 2048, true}, {256, 1536, false}, {512, 1024, true}, {512, 512, false}, {512, 4096, true},
		{1024, 8192, true}, {1024, 9216, false}, {2048, 16384, true}, {4096, 30 << 10, true}, {4096, 31 << 10, false},
		{8192, 20 << 10, true}, {8192, 18 << 10, false}, {16384, 120 << 10, true}, {16384, 36 << 10, false}, {100, 512, false},
	} {
		if hasFargateSize(c.cpu, c.memory) != c.want {
			t.Errorf("%d CPU units with %d MiB: want %v", c.cpu, c.memory, c.want)
		}
	}
}

func TestDiscoveryBlocks(t *testing.T) {
	ports := `"portMappings": [{"containerPort": 80}, {"containerPort": 81}]`
	labels := func(more string) string {
		return app(ports + `, "dockerLabels": {"cairn.discovery.namespace-id": "ns-1", "cairn.discovery.service-name": "web"` + more + `}`)
	}
	for _, c := range []struct {
		base, change string
		want         []DiscoveryBlock
		text         string
	}{
		{base, `{}`, nil, ""},
		{labels(""), `{}`, []DiscoveryBlock{{"ns-1", "web", "app", 80, "app"}}, ""},
		{labels(`, "cairn.discovery.container-port": "81"`), `{}`, []DiscoveryBlock{{"ns-1", "web", "app", 81, "app"}}, ""},
		{labels(`, "cairn.discovery.container-port": "82"`), `{}`, nil, "ServiceDiscoveryRegistry of container 'app' has the ContainerPort 82, which is not in portMappings of container 'app'"},
		{labels(`, "cairn.discovery.container-port": "x"`), `{}`, nil, `dockerLabels of container 'app' has cairn.discovery.container-port "x": it must be a port from 1 to 65535`},
		{app(`"dockerLabels": {"cairn.discovery.service-name": "web"}`), `{}`, nil, "ServiceDiscoveryRegistry of container 'app' has no NamespaceId"},
		{app(ports), `{"tags": [{"key": "cairn.discovery.namespace-id", "value": "ns-1"}, {"key": "cairn.discovery.service-name", "value": "web"}]}`,
			[]DiscoveryBlock{{"ns-1", "web", "app", 80, ""}}, ""},
		{app(ports), `{"registries": [{"namespaceId": "ns-1", "serviceName": "web", "containerName": "nope"}]}`, nil,
			`ServiceDiscoveryRegistry of the task definition has the ContainerName "nope": it must name a container of the task definition`},
		{labels(""), `{"registries": [{"namespaceId": "ns-1", "serviceName": "web", "holder": "app"}, {"namespaceId": "ns-1", "serviceName": "admin", "containerPort": 81}]}`,
			[]DiscoveryBlock{{"ns-1", "web", "app", 80, "app"}, {"ns-1", "admin", "app", 81, ""}}, ""},
		{base, `{"networkMode": "none", "registries": [{"namespaceId": "ns-1", "serviceName": "web"}]}`, nil,
			"ServiceDiscoveryRegistry of the task definition is not supported when networkMode=none."},
	} {
		got, err := parse(t, c.base, c.change).discoveryBlocks()
		if message(err) != c.text || !slices.Equal(got, c.want) {
			t.Errorf("%s with %s:\n got %v %v\nwant %v %s", c.base, c.change, got, err, c.want, c.text)
		}
	}
}

// FuzzDefinition looks for inputs that make the checks panic, or that are accepted and
// are not the same after they were stored.
func FuzzDefinition(f *testing.F) {
	f.Add(base)
	f.Add(fargate)
	f.Add(app(`"dependsOn": [{"containerName": "app"}], "portMappings": [{"containerPortRange": "1-"}]`))
	f.Add(`{"containerDefinitions": [{"name": "a", "image": "i", "memory": 9, "secrets": [{"name": "x"}], "ulimits": [{}], "linuxParameters": {"tmpfs": [{}]}}], "volumes": [{"name": "v", "dockerVolumeConfiguration": {}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		d := &Definition{Family: "f", Account: "123456789012"}
		if json.Unmarshal([]byte(text), d) != nil {
			return
		}
		d.normalize()
		if d.validate(maxContainers) != nil {
			return
		}
		d.setCompatibilities()
		d.RequiredAttributes()
		d.unsupported()
		_, _ = d.discoveryBlocks()
		again := *d
		again.normalize()
		before, _ := json.Marshal(d)
		after, _ := json.Marshal(&again)
		if string(before) != string(after) {
			t.Errorf("normalized twice: %s became %s", before, after)
		}
	})
}
