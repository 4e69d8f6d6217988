package admin

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// guard refuses requests that a web page in a browser could send.
//
// By DNS rebinding, a page makes its own name resolve to 127.0.0.1 and then reads
// the answers as its own. The browser still sends that name as Host, so hosts that
// are neither an address nor known are refused. With cross-site requests, a page
// could make the node write profiles and backups, though not read them; browsers
// mark such requests with Sec-Fetch-Site.
func guard(hosts []string, next http.Handler) http.Handler {
	checkOrigin := http.NewCrossOriginProtection()
	next = checkOrigin.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		switch {
		case !knownHost(r.Host, hosts):
			writeText(w, http.StatusMisdirectedRequest,
				"this listener is not called by that host name; use its address, localhost, or a name in admin_hosts\n")
		case crossSite(r):
			writeText(w, http.StatusForbidden, "refused: sent by a page of another site\n")
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// knownHost reports whether a Host may be used. An empty one may: HTTP/1.0 probes send
// none, browsers always do.
func knownHost(hostport string, hosts []string) bool {
	host := hostport
	if h, port, err := net.SplitHostPort(hostport); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return slices.ContainsFunc(hosts, func(h string) bool { return strings.EqualFold(h, host) })
}

// crossSite reports whether a script, or an embedded element, of a page of another
// site sent the request. Links to this listener are allowed.
func crossSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "cross-site" || site == "same-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}
