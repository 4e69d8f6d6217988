package mesh

import "strings"

// TrustDomain returns the SPIFFE id of the trust domain of a mesh, spiffe://MESH. The name
// is in lower case, as in all SPIFFE ids.
func TrustDomain(mesh string) string { return "spiffe://" + strings.ToLower(mesh) }

// SPIFFEID returns the SPIFFE id of a virtual node or gateway in certificates of the
// built-in authority:
//
//	spiffe://MESH/ns/NAMESPACE/sv/SERVICE   a node with a service of Cloud Map, or with
//	                                        the host name SERVICE.NAMESPACE
//	spiffe://MESH/virtualNode/NAME          any other node
//	spiffe://MESH/virtualGateway/NAME       a gateway
func (r *Resource) SPIFFEID() string {
	domain := TrustDomain(r.Ref.Mesh)
	if spec, ok := r.Spec.(*VirtualNodeSpec); ok {
		service, namespace, _ := strings.Cut(spec.HostName(), ".")
		if d := spec.ServiceDiscovery; d != nil && d.CloudMap != nil {
			service, namespace = d.CloudMap.ServiceName, d.CloudMap.NamespaceName
		}
		if isSPIFFESegment(service) && isSPIFFESegment(namespace) {
			return domain + "/ns/" + namespace + "/sv/" + service
		}
	}
	return domain + "/" + string(r.Ref.Kind) + "/" + r.Ref.Name
}

// isSPIFFESegment reports whether a text can be a part of a path of a SPIFFE id
// (SPIFFE-ID, section 2.2).
func isSPIFFESegment(text string) bool {
	if text == "" || text == "." || text == ".." {
		return false
	}
	for _, c := range []byte(text) {
		if c != '-' && c != '_' && c != '.' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// HostName returns the name under which clients find the node: its host name, or
// SERVICE.NAMESPACE of its service of Cloud Map. It is empty without service discovery.
func (s *VirtualNodeSpec) HostName() string {
	switch d := s.ServiceDiscovery; {
	case d != nil && d.DNS != nil:
		return strings.TrimSuffix(d.DNS.Hostname, ".")
	case d != nil && d.CloudMap != nil:
		return d.CloudMap.ServiceName + "." + d.CloudMap.NamespaceName
	}
	return ""
}
