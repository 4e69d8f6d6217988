package node

import (
	"bufio"
	"io"
	"log/slog"

	"github.com/cairn-discovery/cairn/replica"
	"github.com/cairn-discovery/cairn/store"
	"github.com/cairn-discovery/cairn/store/embedded"
)

// backupBuffer makes few large writes of a backup's many small ones.
const backupBuffer = 64 << 10

// writeBackup writes the state of this moment. Writes go on meanwhile; they are
// not in the copy.
func writeBackup(w io.Writer, rep *replica.Replica) error {
	buffered := bufio.NewWriterSize(w, backupBuffer)
	snapshot := rep.Current()
	if err := embedded.WriteBackup(buffered, store.Revision(snapshot.Revision), snapshot.Records()); err != nil {
		return err
	}
	return buffered.Flush()
}

// VerifyBackup reads a backup to its end and returns its revision and the
// number of records in it, or says what is wrong with it.
func VerifyBackup(r io.Reader) (revision, records uint64, err error) {
	at, records, err := embedded.VerifyBackup(r)
	return uint64(at), records, err
}

// restoreGap is more than the revisions that a backup can be behind: those of a day at
// three thousand writes a second. Clients have seen revisions after the backup, first of
// all as SOA serials; none of them may get another meaning. It is well below half of the
// range of serials, from which RFC 1982 sees a step back.
const restoreGap = 1 << 28

// Restore makes a new data folder from a backup, and returns its revision; the
// folder goes on from a much later one. It refuses a folder that holds anything. No
// node may be running on the folder.
func Restore(dir string, backup io.Reader) (revision uint64, err error) {
	at, err := embedded.Restore(embedded.Config{Dir: dir, RestoreGap: restoreGap, Logger: slog.New(slog.DiscardHandler)}, backup)
	return uint64(at), err
}
