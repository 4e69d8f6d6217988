package task_test

import (
	"strings"
	"testing"

	"github.com/cairn-discovery/cairn/core/registry"
	"github.com/cairn-discovery/cairn/core/task"
)

// Examples of "Cluster query language" in the ECS developer guide, and variations.
func TestExpressions(t *testing.T) {
	w := newFixture(t)
	w.do(&task.PutNode{Node: task.Node{Name: "a", Driver: "process", Zone: "zone-a", CPU: 4096, Memory: 8192, Attributes: []task.Attribute{
		{Name: "ecs.instance-type", Value: "g2.2xlarge"}, {Name: "color", Value: "light blue"}, {Name: "empty"}, {Name: "size", Value: "10"},
	}}})
	w.define("database", "awsvpc", nil)
	for w.run("database").Node != "a" {
	}
	s := w.state.Task
	var instance *task.ContainerInstance
	for i := range s.InstancesOfNode("a") {
		instance = i
	}
	for text, want := range map[string]bool{
		"attribute:ecs.instance-type == g2.2xlarge":                                      true,
		"attribute:ecs.instance-type == t2.small":                                        false,
		"attribute:ecs.instance-type =~ g2.* and attribute:ecs.availability-zone != us1": true,
		"attribute:ecs.instance-type =~ g2":                                              false, // the pattern is for the whole value
		"attribute:ecs.instance-type !~ g2.*":                                            false,
		"attribute:ecs.availability-zone in [us-east-1a, zone-a]":                        true,
		"attribute:ecs.availability-zone in [us-east-1a,us-east-1b]":                     false,
		"attribute:ecs.availability-zone not_in [us-east-1a]":                            true,
		"attribute:ecs.availability-zone !in [zone-a]":                                   false,
		`attribute:color == "light blue"`:                                                true,
		"attribute:color exists":                                                         true,
		"attribute:empty exists":                                                         true,
		"attribute:stage exists":                                                         false,
		"attribute:stage !exists":                                                        true,
		"attribute:stage not_exists && agentConnected == true":                           true,
		"attribute:stage != production":                                                  true,
		"attribute:size > 9":                                                             true, // numbers, not texts
		"attribute:size < 9":                                                             false,
		"runningTasksCount >= 1":                                                         true,
		"runningTasksCount greater_than 100":                                             false,
		"task:group == family:database":                                                  true,
		"not(task:group == family:database)":                                             false,
		"task:family == other or task:family == database":                                true,
		"task:startedBy == me":                                                           false,
		"!(task:family == other) and (runningTasksCount < 1 or task:family == database)": true,
		"ec2InstanceId =~ i-.*":                                                          true,
		"registeredAt > 0":                                                               true,
		"agentConnected equals false":                                                    false,
	} {
		e, err := task.ParseExpression(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := e.Match(&s, instance); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func TestExpressionErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                            "is not the name of an attribute or property",
		"color == blue":               `"color" is not the name of an attribute or property`,
		"attribute: == blue":          `"attribute:" is not the name of an attribute or property`,
		"attribute:a":                 "it ends too early",
		"attribute:a ==":              "it ends too early",
		"attribute:a ~ b":             `unknown operator "~"`,
		"attribute:a == b c":          `unexpected "c"`,
		"attribute:a == b and":        "is not the name of an attribute or property",
		"(attribute:a == b":           "a parenthesis is not closed",
		"attribute:a in b":            "a list such as [a, b] is expected",
		"attribute:a in [b, c":        "a list is not closed",
		`attribute:a =~ "("`:          "is not valid",
		strings.Repeat("(", 40) + "a": "it is nested too deeply",
		strings.Repeat("a", 2001):     "The expression has more than 2000 characters.",
	} {
		if _, err := task.ParseExpression(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40s: got %v, want %s", text, err, want)
		}
	}
}

// FuzzParseExpression looks for expressions that the parser does not survive.
func FuzzParseExpression(f *testing.F) {
	f.Add(`attribute:a =~ "x.*" and not (task:group in [a, 'b'] or runningTasksCount <= 1)`)
	f.Add("attribute:a !exists && ! agentConnected == true || ec2InstanceId not_in []")
	var s task.State
	instance := &task.ContainerInstance{Attributes: []task.Attribute{{Name: "a", Value: "b"}}}
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := task.ParseExpression(text); err == nil {
			e.Match(&s, instance)
		}
	})
}

// Constraints and strategies decide where tasks of a service are placed.
func TestPlacement(t *testing.T) {
	for _, test := range []struct {
		name        string
		constraints []task.PlacementConstraint
		strategy    []task.PlacementStrategy
		want        map[string]int // running tasks by node, of 4
	}{
		{"spread over zones", nil, nil, map[string]int{"a": 2, "b": 2}},
		{"memberOf", []task.PlacementConstraint{{Type: "memberOf", Expression: "attribute:ecs.availability-zone == zone-b"}}, nil, map[string]int{"b": 4}},
		{"distinctInstance", []task.PlacementConstraint{{Type: "distinctInstance"}}, nil, map[string]int{"a": 1, "b": 1}},
		{"binpack", nil, []task.PlacementStrategy{{Type: "binpack", Field: "memory"}}, map[string]int{"a": 4}},
		{"spread over instances", nil, []task.PlacementStrategy{{Type: "spread", Field: "instanceId"}}, map[string]int{"a": 2, "b": 2}},
		{"no instance", []task.PlacementConstraint{{Type: "memberOf", Expression: "attribute:gpu exists"}}, nil, map[string]int{}},
	} {
		w := newFixture(t)
		w.service(4, func(c *task.CreateService) {
			c.PlacementConstraints, c.PlacementStrategy = &test.constraints, &test.strategy
		})
		w.settle(10_000, nil)
		got := map[string]int{}
		for _, x := range w.tasks(task.StatusRunning) {
			got[x.Node]++
		}
		if test.name == "binpack" && got["b"] == 4 { // either is right
			got = map[string]int{"a": 4}
		}
		if len(got) != len(test.want) || got["a"] != test.want["a"] || got["b"] != test.want["b"] {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}

// What AWS refuses about registries beyond the rules of CreateService: another revision
// without the pair, more than one registry in strict mode, and mode none.
func TestRegistryRules(t *testing.T) {
	w := newFixture(t)
	srv := w.cloudMap("srv", registry.RecordSRV, 10)
	arn, port := w.rules.Registry.ServiceARN(account, srv.ID), int64(80)
	w.define("bridge", "bridge", nil)
	w.service(1, func(c *task.CreateService) {
		c.Family, c.NetworkConfiguration = "bridge", nil
		c.ServiceRegistries = []task.ServiceRegistry{{RegistryARN: arn, ContainerName: "app", ContainerPort: &port}}
	})
	w.define("other", "bridge", func(d *task.Definition) { d.ContainerDefinitions[0].Name = "web" })
	w.define("none", "none", func(d *task.Definition) { d.ContainerDefinitions[0].PortMappings = nil })
	expect := func(want string, err error) {
		t.Helper()
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	_, err := w.try(account, &task.UpdateService{Cluster: "c", Name: "s", Family: "other"})
	expect("The container app of serviceRegistries does not exist in the task definition.", err)
	create := func(family string, registries ...task.ServiceRegistry) error {
		one := 1
		_, err := w.try(account, &task.CreateService{Cluster: "c", Name: "t", Workload: task.Workload{Family: family, ServiceRegistries: registries}, ServiceSettings: task.ServiceSettings{DesiredCount: &one}})
		return err
	}
	expect("Service registries are not supported when networkMode=none. Registry: "+arn, create("none", task.ServiceRegistry{RegistryARN: arn, ContainerName: "app", ContainerPort: &port}))
	w.rules.Task.Strict = true
	both := task.ServiceRegistry{RegistryARN: arn, ContainerName: "app", ContainerPort: &port}
	expect("service registries can have at most 1 items.", create("bridge", both, both))
}
