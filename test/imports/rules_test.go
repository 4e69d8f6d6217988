package imports

import "slices"

// rule says which packages of this module the packages in a folder may import.
type rule struct {
	folder string
	may    []string // folders; always allowed beside them is what stands below folder
	why    string
	// siblings allows imports among packages in the same folder, upwards too.
	siblings bool
	future   bool // the folder is planned
}

var internalPure = []string{"internal/persist/chunkvec", "internal/persist/hashtrie", "internal/jsontext", "internal/persist/ptree", "internal/record"}

// rules: the most specific one that fits applies.
var rules = []*rule{
	{folder: "core", may: internalPure, siblings: true,
		why: "core may import other parts of core and pure helpers: it must be replayable anywhere"},
	{folder: "replica", may: []string{"core", "store", "internal"},
		why: "the replica knows the core and the contract of a store, but no technology and nobody who asks it"},
	{folder: "store", may: nil,
		why: "the contract of a store stands on nothing"},
	{folder: "store/storetest", may: []string{"store"},
		why: "the suite tests the contract, and so must not know any implementation"},
	{folder: "store/memory", may: []string{"store"},
		why: "a store sees keys and bytes, never what they mean"},
	{folder: "store/embedded", may: []string{"store", "internal"},
		why: "a store sees keys and bytes, never what they mean"},
	{folder: "store/etcd", may: []string{"store", "internal"}, future: true,
		why: "a store sees keys and bytes, never what they mean"},
	{folder: "edge/aws", may: []string{"core", "replica", "store", "internal"}, siblings: true,
		why: "an edge asks the replica and the core, never another edge; of stores it knows the errors only"},
	{folder: "edge/dns", may: []string{"core", "replica", "internal"}, siblings: true,
		why: "an edge asks the replica and the core, never another edge or a store"},
	{folder: "edge/xds", may: []string{"core", "replica", "internal"}, siblings: true, future: true,
		why: "an edge asks the replica and the core, never another edge or a store"},
	{folder: "edge/console", may: []string{"core", "replica", "internal"}, siblings: true, future: true,
		why: "an edge asks the replica and the core, never another edge or a store"},
	{folder: "edge/admin", may: []string{"replica", "internal"},
		why: "the admin listener knows nothing of what is served"},
	{folder: "edge/admin/identity", may: []string{"core", "replica", "internal"},
		why: "it turns requests of operators into commands of core/identity, as an API does"},
	{folder: "worker", may: []string{"core", "replica", "internal"},
		why: "a worker proposes commands like a client: it could run elsewhere"},
	{folder: "node", may: []string{"core", "replica", "store", "edge", "worker", "internal"}, siblings: true,
		why: "node wires everything; only cmd and tests stand above it"},
	{folder: "cmd/cairn", may: []string{"node", "internal"},
		why: "the command holds no logic: it starts a node, or asks one through AWS's SDK"},
	{folder: "internal", may: []string{"internal"},
		why: "a helper has no domain in it"},
	{folder: "test", may: []string{""}, why: "tests may import anything"},
	{folder: "bench", may: []string{""}, why: "benchmarks may import anything"},
	{folder: "tools", may: []string{""}, future: true, why: "tools may import anything"},
}

// stores are the packages of a technology: they are node's choice alone.
var stores = []string{"store/memory", "store/embedded", "store/etcd"}

func ruleFor(path string) *rule {
	var best *rule
	for _, r := range rules {
		if within(path, r.folder) && (best == nil || len(r.folder) > len(best.folder)) {
			best = r
		}
	}
	return best
}

func (r *rule) allows(path, imported string) bool {
	if within(imported, path) || r.siblings && within(imported, r.folder) {
		return true
	}
	if slices.Contains(stores, imported) && r.folder != "node" && !slices.Contains(r.may, "") {
		return false
	}
	return slices.ContainsFunc(r.may, func(folder string) bool { return folder == "" || within(imported, folder) })
}

// pureStd are the packages of the standard library that core may import, and why
// they do no harm.
var pureStd = map[string]string{
	"bytes":           "computes",
	"cmp":             "computes",
	"container/heap":  "computes",
	"crypto/sha256":   "a hash of its input and of nothing else",
	"encoding/base32": "computes",
	"encoding/base64": "computes",
	"encoding/binary": "computes on what it is given in memory",
	"encoding/hex":    "computes",
	"encoding/json":   "policies are JSON; computes on what it is given in memory",
	"errors":          "computes",
	"fmt":             "to word errors; TestCoreDoesNotAct keeps out what prints",
	"hash":            "an interface",
	"hash/fnv":        "computes",
	"hash/maphash":    "not the same in every process: for lookups only, never for what is stored",
	"io":              "io.EOF of a decoder in memory; core has nothing to read or write",
	"iter":            "types",
	"maps":            "computes; the order of maps is the reader's concern in review",
	"math":            "computes",
	"math/big":        "computes",
	"math/bits":       "computes",
	"math/rand/v2":    "generators with a given seed or source; TestCoreDoesNotAct keeps out the global one",
	"net/netip":       "addresses as values; no sockets",
	"path":            "computes on slash-separated paths; no files",
	"slices":          "computes",
	"strconv":         "computes",
	"strings":         "computes",
	"time":            "durations and formats; TestCoreDoesNotAct keeps out the clock",
	"unicode":         "computes",
	"unicode/utf16":   "computes",
	"unicode/utf8":    "computes",
	"unique":          "interns values; computes",
}

// pureInternal are the helpers that core may import.
var pureInternal = map[string]string{
	"internal/persist/chunkvec": "a persistent vector",
	"internal/persist/hashtrie": "a persistent map",
	"internal/jsontext":         "encodes strings",
	"internal/persist/ptree":    "a persistent ordered map",
	"internal/record":           "encodes stored values",
}

// commandModules are what cmd/cairn may import from other people.
var commandModules = map[string]string{
	"github.com/aws/aws-sdk-go-v2": "client commands ask a node as any AWS client would",
	"github.com/aws/smithy-go":     "the errors and middleware of that SDK",
	"github.com/spf13/cobra":       "commands, help and completion",
	"github.com/spf13/pflag":       "cobra's flags",
}
