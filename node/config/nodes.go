package config

// The values of Nodes.StaleAnswers.
const (
	staleServe  = "serve"
	StaleRefuse = "refuse"
)

// Nodes is how this node works together with others. Only RevisionWait has an effect
// with store embedded, which is of one node.
type Nodes struct {
	// Lease is how long this node counts as alive after it has last renewed its record,
	// which it does three times in this time. A node that is dead loses its share of the
	// common work, such as health checks, to the others.
	Lease Duration `yaml:"lease" check:"min=1s"`
	// StaleAfter is how long after the last contact with the store answers are marked as
	// possibly out of date. They are marked at once if the store says that it cannot be
	// reached.
	StaleAfter Duration `yaml:"stale_after" check:"min=1s"`
	// MaxStaleness is how long after the last contact with the store the node is no
	// longer ready: /readyz answers 503. 0s means that it stays ready.
	MaxStaleness Duration `yaml:"max_staleness" check:"min=0s"`
	// StaleAnswers is what a node does that is over max_staleness: serve goes on
	// answering, refuse answers API requests with 503 and DNS queries with SERVFAIL.
	StaleAnswers string `yaml:"stale_answers" check:"oneof=serve refuse"`
	// WriteWait is how long a write waits for a store that is not reached. 0s means that
	// it is refused at once.
	WriteWait Duration `yaml:"write_wait" check:"min=0s"`
	// RevisionWait is how long a request with the header cairn-min-revision waits until
	// the node has that revision. 0s means that it does not wait.
	RevisionWait Duration `yaml:"revision_wait" check:"min=0s"`
}

func defaultNodes() Nodes {
	return Nodes{Lease: seconds(6), StaleAfter: seconds(6), MaxStaleness: seconds(60), StaleAnswers: staleServe, RevisionWait: seconds(2)}
}

func (n *Nodes) check(k *checker) {
	if n.StaleAnswers == StaleRefuse && n.MaxStaleness.Duration == 0 {
		k.fail("nodes.stale_answers", n.StaleAnswers, "needs nodes.max_staleness above 0s")
	}
}
