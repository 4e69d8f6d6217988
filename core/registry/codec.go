package registry

import (
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/cairn-discovery/cairn/core/command"
	"github.com/cairn-discovery/cairn/internal/record"
)

// Keys of the store. The leading digit makes a load in order of keys bring a
// namespace before its services and a service before its instances.
//
//	1n/ACCOUNT/HTTP-NAME                   namespace
//	2s/ACCOUNT/NAMESPACE/SERVICE-KEY       service
//	3t/ACCOUNT/NAMESPACE/SERVICE           revision
//	3t/ACCOUNT/NAMESPACE/SERVICE/WRITER    part of the revision, counted by one of several nodes
//	4i/ACCOUNT/NAMESPACE/SERVICE/INSTANCE  instance
//	5o/ACCOUNT/OPERATION                   operation, and others of its transaction
//	6l/ACCOUNT/NAMESPACE/SERVICE/INSTANCE  lease of an instance
//
// The keys of namespaces and services contain names and not ids, so that two nodes
// which use the same name at once get a conflict.
const (
	namespacePrefix = "1n"
	servicePrefix   = "2s"
	revisionPrefix  = "3t"
	instancePrefix  = "4i"
	operationPrefix = "5o"
)

func namespaceKey(account command.AccountID, httpName string) string {
	return namespacePrefix + "/" + string(account) + "/" + httpName
}

func serviceKeyOf(account command.AccountID, ns NamespaceID, key string) string {
	return servicePrefix + "/" + string(account) + "/" + string(ns) + "/" + key
}

func revisionKey(account command.AccountID, ns NamespaceID, svc ServiceID) string {
	return revisionPrefix + "/" + string(account) + "/" + string(ns) + "/" + string(svc)
}

func instanceKey(svc *Service, id InstanceID) string { return svc.location().key(id) }

func (p location) key(id InstanceID) string {
	return instancePrefix + "/" + string(p.account) + "/" + string(p.namespace) + "/" + string(p.service) + "/" + string(id)
}

func operationStoreKey(account command.AccountID, id OperationID) string {
	return operationPrefix + "/" + string(account) + "/" + string(id)
}

func (c putNamespace) Key() string    { return namespaceKey(c.ns.Account, c.ns.HTTPName) }
func (c deleteNamespace) Key() string { return namespaceKey(c.account, c.httpName) }
func (c putService) Key() string      { return serviceKeyOf(c.svc.Account, c.svc.Namespace, c.svc.key) }
func (c deleteService) Key() string   { return serviceKeyOf(c.account, c.namespace, c.key) }
func (c dropRevision) Key() string {
	return revisionKey(c.account, c.namespace, c.service) + writerSuffix(c.writer)
}
func (c putInstance) Key() string     { return c.key(c.inst.ID()) }
func (c deleteInstance) Key() string  { return c.key(c.id) }
func (c putOperation) Key() string    { return operationStoreKey(c.op.Account, c.op.ID) }
func (c putPart) Key() string         { return operationStoreKey(c.carrier.Account, c.carrier.ID) }
func (c deleteOperation) Key() string { return operationStoreKey(c.account, c.id) }

func (c putNamespace) Value(b []byte) ([]byte, bool)    { return c.ns.encode(b), true }
func (c deleteNamespace) Value(b []byte) ([]byte, bool) { return b, false }
func (c putService) Value(b []byte) ([]byte, bool)      { return c.svc.encode(b), true }
func (c deleteService) Value(b []byte) ([]byte, bool)   { return b, false }
func (c bumpRevision) Value(b []byte) ([]byte, bool)    { return c.encode(b), true }
func (c dropRevision) Value(b []byte) ([]byte, bool)    { return b, false }
func (c putInstance) Value(b []byte) ([]byte, bool)     { return c.inst.encode(b), true }
func (c deleteInstance) Value(b []byte) ([]byte, bool)  { return b, false }
func (c putOperation) Value(b []byte) ([]byte, bool)    { return c.op.encodeRecord(b), true }
func (c putPart) Value(b []byte) ([]byte, bool)         { return c.op.appendPart(b, c.carrier), true }
func (c deleteOperation) Value(b []byte) ([]byte, bool) { return b, false }

// Decode implements command.Slice.
func (Slice) Decode(key string, value []byte) (command.Change, error) {
	kind, rest, _ := strings.Cut(key, "/")
	account, rest, ok := strings.Cut(rest, "/")
	if !ok {
		return nil, fmt.Errorf("key %q is not one of the registry", key)
	}
	c, err := decode(kind, command.AccountID(account), rest, value)
	if err != nil {
		return nil, fmt.Errorf("record %q: %w", key, err)
	}
	return c, nil
}

var (
	errShortKey = errors.New("the key ends too early")
	errWriter   = errors.New("the key does not end with the number of a writer")
)

func decode(kind string, account command.AccountID, rest string, value []byte) (command.Change, error) {
	switch kind {
	case namespacePrefix:
		return decodeNamespace(account, rest, value)
	case operationPrefix:
		return decodeOperation(account, OperationID(rest), value)
	}
	ns, rest, ok := strings.Cut(rest, "/")
	if !ok {
		return nil, errShortKey
	}
	switch kind {
	case servicePrefix:
		return decodeService(account, NamespaceID(ns), rest, value)
	case revisionPrefix:
		service, writer, ok := parseWriter(rest)
		if !ok {
			return nil, errWriter
		}
		if value == nil {
			return dropRevision{account, NamespaceID(ns), service, writer}, nil
		}
		c := bumpRevision{account: account, namespace: NamespaceID(ns), service: service, writer: writer}
		err := c.decode(value)
		return c, err
	case leasePrefix:
		return decodeLease(account, NamespaceID(ns), rest, value)
	case instancePrefix:
		svc, id, ok := strings.Cut(rest, "/")
		if !ok {
			return nil, errShortKey
		}
		return decodeInstance(location{account, NamespaceID(ns), ServiceID(svc)}, InstanceID(id), value)
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}

func decodeNamespace(account command.AccountID, name string, value []byte) (command.Change, error) {
	if value == nil {
		return deleteNamespace{account: account, httpName: name}, nil
	}
	ns := &Namespace{Account: account, HTTPName: name}
	return putNamespace{ns}, ns.decode(value)
}

func decodeService(account command.AccountID, ns NamespaceID, key string, value []byte) (command.Change, error) {
	if value == nil {
		return deleteService{account, ns, key}, nil
	}
	svc := &Service{Account: account, Namespace: ns, key: key}
	return putService{svc}, svc.decode(value)
}

func decodeInstance(p location, id InstanceID, value []byte) (command.Change, error) {
	if value == nil {
		return deleteInstance{p, id}, nil
	}
	inst, err := parseInstance(id, value)
	return putInstance{p, inst}, err
}

func decodeOperation(account command.AccountID, id OperationID, value []byte) (command.Change, error) {
	if _, ok := operationKey(id); !ok {
		return nil, fmt.Errorf("%q is not an operation id", id)
	}
	if value == nil {
		return deleteOperation{account, id}, nil
	}
	op := &Operation{ID: id, Account: account}
	return putOperation{op}, op.decodeRecord(value)
}

// Has implements command.Slice.
func (Slice) Has(s *State, key string) bool {
	kind, rest, _ := strings.Cut(key, "/")
	id, rest, _ := strings.Cut(rest, "/")
	a := s.account(command.AccountID(id))
	switch kind {
	case namespacePrefix:
		_, ok := a.byHTTPName.Get(rest)
		return ok
	case operationPrefix:
		key, _ := operationKey(OperationID(rest))
		op, ok := a.operations.Get(key)
		return ok && !op.isPart()
	}
	namespace, rest, _ := strings.Cut(rest, "/")
	switch kind {
	case servicePrefix:
		ns, ok := a.namespaces.Get(NamespaceID(namespace))
		return ok && ns.services.Has(rest)
	case revisionPrefix:
		return a.hasRevision(NamespaceID(namespace), rest)
	}
	service, instance, _ := strings.Cut(rest, "/")
	if kind == leasePrefix {
		_, ok := s.leases.Get(leaseKey(ServiceID(service), InstanceID(instance)))
		return ok
	}
	svc, ok := a.service(ServiceID(service))
	return ok && svc.instances.Has(InstanceID(instance))
}

func (a *accountState) hasRevision(ns NamespaceID, rest string) bool {
	switch {
	case ns == "":
		return a.lastRevision > 0
	case rest == "":
		return a.namespaces.Has(ns)
	}
	id, writer, ok := parseWriter(rest)
	svc, found := a.service(id)
	if !ok || !found || writer == 0 {
		return ok && found
	}
	_, ok = svc.findCounter(writer)
	return ok
}

// All implements command.Slice.
func (Slice) All(s *State) iter.Seq[command.Stored] {
	return func(yield func(command.Stored) bool) {
		for _, a := range s.accounts.All() {
			if !a.all(yield) {
				return
			}
		}
		for _, l := range s.leases.All() {
			if !yield(command.Stored{Change: putLease{*l}}) {
				return
			}
		}
	}
}

func (a *accountState) all(yield func(command.Stored) bool) bool {
	if a.lastRevision > 0 && !yield(command.Stored{Change: bumpRevision{account: a.id, revision: a.lastRevision}}) {
		return false
	}
	for _, ns := range a.namespaces.All() {
		if !yield(command.Stored{Change: putNamespace{ns}}) || !yield(command.Stored{Change: bumpRevision{account: a.id, namespace: ns.ID}}) {
			return false
		}
		for _, svc := range ns.services.All() {
			if !svc.all(yield) {
				return false
			}
		}
	}
	for key, stored := range a.operations.All() {
		if stored.isPart() {
			continue
		}
		if !yield(command.Stored{Change: putOperation{stored.record(a.id, key)}}) {
			return false
		}
	}
	return true
}

func (svc *Service) all(yield func(command.Stored) bool) bool {
	if !yield(command.Stored{Change: putService{svc}}) || !yield(command.Stored{Change: svc.putCounter(svc.counter(0))}) {
		return false
	}
	for _, c := range svc.counters {
		if !yield(command.Stored{Change: svc.putCounter(c)}) {
			return false
		}
	}
	for _, inst := range svc.instances.All() {
		if !yield(command.Stored{Change: putInstance{svc.location(), inst}}) {
			return false
		}
	}
	return true
}

// eachField decodes the fields of a stored value.
func eachField(value []byte, field func(record.Field)) error {
	r := record.NewReader(value)
	for f, ok := r.Next(); ok; f, ok = r.Next() {
		field(f)
	}
	return r.Err()
}
