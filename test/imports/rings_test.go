package imports

import "strings"

// ring limits what the packages of one folder may ever import from this module,
// whatever their rows in ARCHITECTURE.md say.
type ring struct {
	folder string
	// may lists packages, separated by spaces; "x/..." is x and all below it.
	may string
	why string
}

// rings: the one with the longest folder that contains a package applies.
var rings = []ring{
	{"core", "core/... internal/persist/... internal/jsontext internal/record",
		"core imports other parts of core and pure helpers only: it must give the same result everywhere"},
	{"replica", "core/... store internal/...",
		"the replica knows the core and the contract of a store, but no store technology and no user of its own"},
	{"store", "",
		"the contract of a store depends on nothing"},
	{"store/storetest", "store",
		"the suite tests the contract, so it must not know any implementation"},
	{"store/memory", "store",
		"a store sees keys and bytes, never their meaning"},
	{"store/upstream", "store internal/...",
		"a store that follows another node sees keys, bytes and revisions"},
	{"store/embedded", "store internal/...",
		"a store sees keys and bytes, never their meaning"},
	{"store/etcd", "store store/etcd/... internal/...",
		"a store sees keys and bytes, never their meaning"},
	{"store/cluster", "store store/etcd/... internal/...",
		"a cluster is a server of etcd and the store over it"},
	{"edge/aws", "edge/aws/... core/... replica store internal/...",
		"an edge asks the replica and the core, never another edge; of stores it knows the errors only"},
	{"edge/dns", "edge/dns/... core/... replica internal/...",
		"an edge asks the replica and the core, never another edge or a store"},
	{"edge/xds", "edge/xds/... core/... replica internal/...",
		"an edge asks the replica and the core, never another edge or a store"},
	{"edge/xds/resource", "edge/xds/resource/... core/... internal/issuer internal/seal",
		"resources are a function of the state, so that every node makes the same; so are certificates"},
	{"edge/admin", "replica internal/...",
		"the admin listener knows nothing of what is served"},
	{"edge/admin/identity", "core/... replica internal/...",
		"it turns requests of operators into commands of core/identity, as an API does"},
	{"worker", "core/... replica internal/...",
		"a worker proposes commands as a client does, so that it could run in another process"},
	{"worker/runner", "worker/runner/... core/... replica internal/...",
		"the agent and its drivers share the contract of a driver"},
	{"node", "node/... core/... replica store/... edge/... worker/... internal/...",
		"node builds the whole server; only cmd and tests import it"},
	{"cmd", "cmd/... node/... internal/...",
		"the command holds no logic of the server: it starts a node, or calls one through the AWS SDK"},
	{"cmd/cairn/internal", "cmd/cairn/internal/cli core/dnswire core/mesh core/rdata core/task core/zonefile node/... internal/...",
		"a package of commands shares code with others through cli only, so that each can be read alone"},
	{"cmd/cairn/internal/cli", "internal/...",
		"cli knows no command"},
	{"internal", "internal/...",
		"a helper knows nothing of the domain"},
	{"test", "...", "tests may import anything"},
	{"bench", "...", "benchmarks may import anything"},
	{"tools", "...", "tools may import anything"},
}

// ringOf returns the ring of a package, or nil.
func ringOf(path string) *ring {
	var best *ring
	for i := range rings {
		if r := &rings[i]; within(path, r.folder) && (best == nil || len(r.folder) > len(best.folder)) {
			best = r
		}
	}
	return best
}

func (r *ring) allows(imported string) bool { return matchesAny(strings.Fields(r.may), imported) }

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
	"reflect":         "reads the tags of types",
	"regexp":          "computes, in time that is linear in the text",
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
