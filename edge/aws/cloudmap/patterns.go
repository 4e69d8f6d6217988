package cloudmap

import "strings"

// The patterns of the API's model, matched by hand: they stand on the path of
// every request, and two of them use look-ahead, which Go's regexp lacks. As in
// AWS the whole string must match; a newline at the end is no exception. The
// generator finds these functions by the text of the pattern, so a changed
// pattern stops it.

// isAttrKey matches ^[a-zA-Z0-9!-~]+$, where !-~ holds the rest.
func isAttrKey(s string) bool { return s != "" && isVisible(s) }

// isAttrValue matches ^([a-zA-Z0-9!-~][ \ta-zA-Z0-9!-~]*){0,1}[a-zA-Z0-9!-~]{0,1}$:
// empty, or visible characters, spaces and tabs that start with a visible one.
func isAttrValue(s string) bool {
	for i := range len(s) {
		if isBlank := s[i] == ' ' || s[i] == '\t'; !isVisibleByte(s[i]) && (i == 0 || !isBlank) {
			return false
		}
	}
	return true
}

// isInstanceId matches ^[0-9a-zA-Z_/:.@-]+$.
func isInstanceId(s string) bool {
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && strings.IndexByte("_/:.@-", s[i]) < 0 {
			return false
		}
	}
	return s != ""
}

// isNamespaceName matches ^[!-~]{1,1024}$.
func isNamespaceName(s string) bool { return s != "" && len(s) <= 1024 && isVisible(s) }

// isNamespaceNameHttp matches ^(?!arn:)[!-~]{1,1024}$.
func isNamespaceNameHttp(s string) bool {
	return isNamespaceName(s) && !strings.HasPrefix(s, "arn:")
}

// isNamespaceNamePrivate matches ^(?!arn:)[!-~]{1,253}$.
func isNamespaceNamePrivate(s string) bool { return isNamespaceNameHttp(s) && len(s) <= 253 }

// isNamespaceNamePublic matches two or more labels of a host name:
// ^([a-zA-Z0-9]([a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?\.)+[a-zA-Z0-9]([a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?$.
func isNamespaceNamePublic(s string) bool {
	labels := 0
	for label := range strings.SplitSeq(s, ".") {
		if !isHostLabel(label) {
			return false
		}
		labels++
	}
	return labels >= 2
}

// isHostLabel matches [a-zA-Z0-9]([a-zA-Z0-9\-]{0,61}[a-zA-Z0-9])?.
func isHostLabel(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && s[i] != '-' {
			return false
		}
	}
	return true
}

// isServiceName matches a single dot, or up to 127 characters of service labels:
// ((?=^.{1,127}$)^(LABEL)(\.(LABEL))*$)|(^\.$).
func isServiceName(s string) bool {
	if s == "." {
		return true
	}
	if len(s) > 127 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if !isServiceLabel(label) {
			return false
		}
	}
	return true
}

// isServiceLabel matches [a-zA-Z0-9_][a-zA-Z0-9-_]{0,61}[a-zA-Z0-9_]|[a-zA-Z0-9].
// So an underscore is a label only together with something else.
func isServiceLabel(s string) bool {
	if s == "" || s == "_" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for i := range len(s) {
		if !isAlphanumeric(s[i]) && s[i] != '-' && s[i] != '_' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

// isVisible matches [!-~]*.
func isVisible(s string) bool {
	for i := range len(s) {
		if !isVisibleByte(s[i]) {
			return false
		}
	}
	return true
}

func isVisibleByte(c byte) bool { return '!' <= c && c <= '~' }
