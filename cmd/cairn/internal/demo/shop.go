package demo

import "time"

// The shop: a namespace with four services that call each other.
const (
	namespace = "internal.example.com"
	vpc       = "vpc-demo"
	// ttl is that of all records: how long a client uses an answer.
	ttl = 5 * time.Second
)

// service is one service of the shop.
type service struct {
	name string
	// calls are the services that a request to this one needs.
	calls []dependency
	// tasks is how many run at the start.
	tasks int
}

// dependency is a service that another one calls, and how it finds it.
type dependency struct {
	service string
	byAPI   bool // DiscoverInstances in place of DNS
}

// scaled is the service whose number of instances changes, from few to many and back.
const (
	scaled    = "inventory"
	few, many = 10, 100
)

var shop = []service{
	{name: "notifications", tasks: 1},
	{name: "payments", tasks: 2, calls: []dependency{{service: "notifications", byAPI: true}}},
	{name: scaled, tasks: few},
	{name: "orders", tasks: 2, calls: []dependency{{service: scaled}, {service: "payments", byAPI: true}}},
}

// named returns a service of the shop.
func named(name string) (service, bool) {
	for _, s := range shop {
		if s.name == name {
			return s, true
		}
	}
	return service{}, false
}

// cpu is the share of a task's processor, in CPU units. The shares of all tasks fit on a
// machine with one core (1024 units); few tasks that serve all requests get more.
func (s service) cpu() int {
	if s.name == scaled {
		return 4
	}
	return 96
}
