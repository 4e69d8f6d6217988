package cloudmap

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/cairn-discovery/cairn/core/dnswire"
)

// dsTimeout limits one question to a resolver.
const dsTimeout = 5 * time.Second

// checkParentDS returns an error if resolvers that validate need the keys that are
// about to be deleted: the parent zone has DS records, and none of them is that of the
// key that stays. Without any DS record, resolvers do not validate the zone.
func checkParentDS(ctx context.Context, resolver, zone string, stays *signingKey) error {
	records, err := lookupDS(ctx, resolver, zone)
	if err != nil {
		return fmt.Errorf("the DS records of %s in its parent zone are not known: %w; name another resolver with --resolver, or use --force to delete the old key without this check", zone, err)
	}
	if len(records) > 0 && !slices.ContainsFunc(records, func(ds string) bool { return strings.EqualFold(ds, stays.DSRecord) }) {
		return fmt.Errorf("the parent zone of %s has no DS record of the new key, so resolvers would reject all answers without the old key; it has: %s; add %q to the parent zone, and wait until the TTL of the old DS record is over (or use --force)",
			zone, strings.Join(records, ", "), stays.DSRecord)
	}
	return nil
}

// lookupDS returns the DS records of a zone in the form of zone files.
func lookupDS(ctx context.Context, resolver, zone string) ([]string, error) {
	if resolver == "" {
		var err error
		if resolver, err = systemResolver(); err != nil {
			return nil, err
		}
	}
	if _, _, err := net.SplitHostPort(resolver); err != nil {
		resolver = net.JoinHostPort(strings.Trim(resolver, "[]"), "53")
	}
	name, ok := dnswire.ParseName(zone)
	if !ok {
		return nil, fmt.Errorf("%q is not a domain name", zone)
	}
	query := dsQuery(name)
	for _, network := range []string{"udp", "tcp"} {
		msg, err := exchange(ctx, network, resolver, query)
		if err != nil {
			return nil, err
		}
		records, truncated, err := parseDS(msg, query)
		if err != nil {
			return nil, fmt.Errorf("resolver %s: %w", resolver, err)
		}
		if !truncated {
			return records, nil
		}
	}
	return nil, fmt.Errorf("resolver %s: the answer over TCP is truncated", resolver)
}

func systemResolver() (string, error) {
	f, err := os.Open("/etc/resolv.conf")
	if err != nil {
		return "", errors.New("this machine has no /etc/resolv.conf")
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if fields := strings.Fields(s.Text()); len(fields) > 1 && fields[0] == "nameserver" {
			return fields[1], nil
		}
	}
	return "", errors.New("/etc/resolv.conf names no resolver")
}

func dsQuery(name string) []byte {
	var id [2]byte
	rand.Read(id[:]) // never fails
	h := dnswire.Header{ID: binary.BigEndian.Uint16(id[:]), Flags: dnswire.FlagRD, QDCount: 1, ARCount: 1}
	b := dnswire.AppendQuestion(h.Append(nil), name, dnswire.TypeDS, dnswire.ClassIN)
	return dnswire.AppendOPT(b, 1232, 0)
}

// exchange sends a query and returns the first message with its id.
func exchange(ctx context.Context, network, resolver string, query []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, dsTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, resolver)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	deadline, _ := ctx.Deadline()
	if err := conn.SetDeadline(deadline); err != nil {
		return nil, err
	}
	if network == "tcp" {
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...)); err != nil {
			return nil, err
		}
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return nil, err
		}
		msg := make([]byte, binary.BigEndian.Uint16(size[:]))
		_, err := io.ReadFull(conn, msg)
		return msg, err
	}
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, err
		}
		if n >= dnswire.HeaderLen && string(buf[:2]) == string(query[:2]) {
			return buf[:n], nil
		}
	}
}

// parseDS returns the DS records of an answer.
func parseDS(msg, query []byte) (records []string, truncated bool, err error) {
	h, ok := dnswire.ParseHeader(msg)
	asked, _ := dnswire.ParseQuestion(query, dnswire.HeaderLen)
	q, ok2 := dnswire.ParseQuestion(msg, dnswire.HeaderLen)
	if !ok || !ok2 || h.Flags&dnswire.FlagQR == 0 || h.QDCount != 1 || q.Type != asked.Type || !dnswire.EqualName(q.Name, asked.Name) ||
		string(msg[:2]) != string(query[:2]) {
		return nil, false, errors.New("the message does not answer the question")
	}
	switch rcode := h.Flags & dnswire.RcodeMask; {
	case h.Flags&dnswire.FlagTC != 0:
		return nil, true, nil
	case rcode == dnswire.RcodeNXDomain:
		return nil, false, nil
	case rcode != dnswire.RcodeNoError:
		return nil, false, fmt.Errorf("response code %d", rcode)
	}
	at := q.End
	for range h.ANCount {
		rr, ok := dnswire.ParseRecord(msg, at)
		if !ok {
			return nil, false, errors.New("the answer is malformed")
		}
		if at = rr.End; rr.Type == dnswire.TypeDS && rr.End-rr.Data > 4 {
			data := msg[rr.Data:rr.End]
			records = append(records, fmt.Sprintf("%d %d %d %X", binary.BigEndian.Uint16(data), data[2], data[3], data[4:]))
		}
	}
	return records, false, nil
}
