package registry

// Observer is told what a Draft changes, while it does, so that what is derived
// from the registry (the zones of the DNS) can be brought up to date at the
// cost of the change alone. Values are immutable; nil stands for none.
type Observer interface {
	// NamespaceChanged comes after a namespace was stored or deleted.
	NamespaceChanged(old, new *Namespace)
	// ServiceChanged comes after a service was stored or deleted. A service
	// that is stored keeps its instances.
	ServiceChanged(ns *Namespace, old, new *Service)
	// InstanceChanged comes after an instance of svc was stored or deleted; svc
	// has the change already.
	InstanceChanged(ns *Namespace, svc *Service, old, new *Instance)
}

// Observe has the observer told of every change from now on.
func (d *Draft) Observe(o Observer) { d.observer = o }

func (d *Draft) namespaceChanged(old, new *Namespace) {
	if d.observer != nil {
		d.observer.NamespaceChanged(old, new)
	}
}

func (d *Draft) serviceChanged(ns *Namespace, old, new *Service) {
	if d.observer != nil {
		d.observer.ServiceChanged(ns, old, new)
	}
}

// instanceChanged spares services without records the way through the account.
func (d *Draft) instanceChanged(svc *Service, old, new *Instance) {
	if d.observer == nil || svc.DNS == nil {
		return
	}
	if ns, ok := d.state.Namespace(svc.Account, svc.Namespace); ok {
		d.observer.InstanceChanged(ns, svc, old, new)
	}
}
