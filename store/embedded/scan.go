package embedded

import (
	"fmt"

	"github.com/cairn-discovery/cairn/store"
)

// scanned is the result of scanning a segment.
type scanned struct {
	// tail is where the next frame goes.
	tail int64
	// last is where the last whole frame starts, or tail if there is none.
	last int64
	// next is the revision that comes after the segment's frames.
	next   store.Revision
	sealed bool
	// torn is the reason for bytes after tail that belong to a write which a crash
	// interrupted; empty if there are none.
	torn string
}

// flaw is a piece of damage at a place in a file.
type flaw struct {
	offset int64
	reason string
}

func (f *flaw) Error() string { return fmt.Sprintf("offset %d: %s", f.offset, f.reason) }

func flawAt(offset int64, format string, args ...any) *flaw {
	return &flaw{offset: offset, reason: fmt.Sprintf(format, args...)}
}

// visitFrame receives the frame at an offset. It must not keep the payload.
type visitFrame func(offset int64, f frame, payload []byte) error

// scanSegment calls visit for each frame of a segment. Only the last segment of the
// log may end in a torn write. The error is a *flaw or comes from visit.
//
//	at the tail            what follows          then
//	blank header           only zeros            end of the log
//	blank header           data, no header       torn: the first sector is lost
//	blank header           a frame's header      damage
//	good header, bad sum   a blank share of it,  torn: another sector is lost
//	                       zeros after it
//	good header, bad sum   otherwise             damage
//	bad header                                   damage: a sector is written whole
//
// A torn write can only be one frame: the next is written when this is synced.
func scanSegment(data []byte, h segmentHeader, isLast bool, visit visitFrame) (scanned, error) {
	s := scanned{tail: sectorSize, last: sectorSize, next: h.first}
	end := int64(len(data)) - sealRoom
	for s.tail <= end {
		header := data[s.tail : s.tail+frameHeader]
		if isZero(header) {
			return s, s.endWithout(data, h, isLast)
		}
		f, ok := parseFrame(header, h.salt, s.tail)
		if !ok {
			return s, flawAt(s.tail, "the checksum of a frame's header is wrong")
		}
		if f.isSeal() {
			return s, s.endWithSeal(data, f)
		}
		torn, err := s.take(data, f, isLast, visit)
		if torn || err != nil {
			return s, err
		}
	}
	return s, nil
}

// take checks the frame at the tail, passes it to visit and moves the tail past it.
func (s *scanned) take(data []byte, f frame, isLast bool, visit visitFrame) (torn bool, err error) {
	stop := s.tail + frameHeader + int64(f.length)
	if stop > int64(len(data))-sealRoom {
		return false, flawAt(s.tail, "a frame reaches past the end of the segment")
	}
	payload := data[s.tail+frameHeader : stop]
	if checksum(payload) != f.payloadSum {
		if isLast && hasBlankShare(data[s.tail:stop], s.tail) && isZero(data[stop:]) {
			s.torn = "some sectors of the last frame were not written"
			return true, nil
		}
		return false, flawAt(s.tail, "a frame's checksum is wrong")
	}
	if f.first != s.next {
		return false, flawAt(s.tail, "a frame starts with revision %d instead of %d", f.first, s.next)
	}
	applyMask(payload, f.mask)
	err = visit(s.tail, f, payload)
	applyMask(payload, f.mask) // data must stay as it is on the disk
	if err != nil {
		return false, err
	}
	s.next += store.Revision(f.count)
	s.last, s.tail = s.tail, s.tail+f.size()
	return false, nil
}

// endWithout decides whether a tail without a frame is the end, torn or damaged.
func (s *scanned) endWithout(data []byte, h segmentHeader, isLast bool) error {
	if isZero(data[s.tail:]) {
		return nil
	}
	for at := s.tail + frameAlign; at+frameHeader <= int64(len(data)); at += frameAlign {
		if _, ok := parseFrame(data[at:], h.salt, at); ok {
			return flawAt(s.tail, "a frame is missing, there are others after it at offset %d", at)
		}
	}
	if !isLast {
		return flawAt(s.tail, "a frame is missing, there is another segment after it")
	}
	s.torn = "the first sector of the last frame was not written"
	return nil
}

func (s *scanned) endWithSeal(data []byte, f frame) error {
	if f.first != s.next {
		return flawAt(s.tail, "the segment ends before revision %d instead of %d", f.first, s.next)
	}
	if f.length != 0 || !isZero(data[s.tail+frameHeader:]) {
		return flawAt(s.tail, "there is data after the end of the segment")
	}
	s.sealed = true
	return nil
}
