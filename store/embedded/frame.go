package embedded

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/cairn-discovery/cairn/store"
)

// A frame is one write to a segment: a transaction, or several in logs of earlier
// versions. It is valid as a whole or not at all. It starts at a multiple of
// frameAlign, so its header lies within one sector, and a disk writes sectors whole.
//
//	 0  u32  checksum of the segment's salt, the frame's offset and bytes 4..32
//	 4  u32  checksum of the payload as it is on disk
//	 8  u32  length of the payload
//	12  u32  number of transactions; 0 in a seal, which ends a segment
//	16  u64  revision of the first transaction; in a seal, of the next segment
//	24  u64  mask: each 8 bytes of the payload are XORed with it
//	32       payload
//
// The mask ensures that no sector's share of a frame is all zero. Space after the
// tail is zero, so a blank share means that the write was torn.
const (
	sectorSize  = 512
	frameAlign  = 32
	frameHeader = 32
)

// castagnoli is the polynomial of CRC-32C, for which processors have an instruction.
// Numbers are little-endian.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func extendSum(sum uint32, b []byte) uint32 { return crc32.Update(sum, castagnoli, b) }

type frame struct {
	payloadSum uint32
	length     uint32
	count      uint32
	first      store.Revision
	mask       uint64
}

func (f frame) isSeal() bool { return f.count == 0 }

// size is the space from the frame's start to where the next may start.
func (f frame) size() int64 { return alignFrame(frameHeader + int64(f.length)) }

func alignFrame(n int64) int64 { return (n + frameAlign - 1) &^ (frameAlign - 1) }

// put writes the header to b for the given place.
func (f frame) put(b []byte, salt uint64, offset int64) {
	le := binary.LittleEndian
	le.PutUint32(b[4:], f.payloadSum)
	le.PutUint32(b[8:], f.length)
	le.PutUint32(b[12:], f.count)
	le.PutUint64(b[16:], uint64(f.first))
	le.PutUint64(b[24:], f.mask)
	le.PutUint32(b, headerSum(b, salt, offset))
}

// parseFrame reads a header. It reports false when this is not the header of a
// frame at this place in this segment.
func parseFrame(b []byte, salt uint64, offset int64) (frame, bool) {
	if len(b) < frameHeader {
		return frame{}, false
	}
	le := binary.LittleEndian
	f := frame{
		payloadSum: le.Uint32(b[4:]),
		length:     le.Uint32(b[8:]),
		count:      le.Uint32(b[12:]),
		first:      store.Revision(le.Uint64(b[16:])),
		mask:       le.Uint64(b[24:]),
	}
	return f, le.Uint32(b) == headerSum(b, salt, offset)
}

// headerSum includes salt and offset, so that bytes of a value that look like a frame,
// or a frame at the wrong place, are never accepted.
func headerSum(b []byte, salt uint64, offset int64) uint32 {
	var place [16]byte
	binary.LittleEndian.PutUint64(place[:], salt)
	binary.LittleEndian.PutUint64(place[8:], uint64(offset))
	return extendSum(checksum(place[:]), b[4:frameHeader])
}

// finishFrame fills in the header of buf, a frame that has its payload, for the given place
// in a segment. It returns the bytes to write there: buf itself, or a masked copy. The
// payload in buf stays as it was.
func finishFrame(buf []byte, f frame, salt uint64, offset int64) []byte {
	f.length = uint32(len(buf) - frameHeader)
	f.mask = 0
	f.payloadSum = checksum(buf[frameHeader:])
	f.put(buf, salt, offset)
	for seed := salt ^ uint64(offset); hasBlankShare(buf, offset); seed++ {
		f.mask = mix(seed)
		masked := bytes.Clone(buf)
		applyMask(masked[frameHeader:], f.mask)
		f.payloadSum = checksum(masked[frameHeader:])
		f.put(masked, salt, offset)
		if !hasBlankShare(masked, offset) {
			return masked
		}
	}
	return buf
}

// mix spreads a number over 64 bits (splitmix64), so that a value cannot be chosen to
// match the mask.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func applyMask(payload []byte, mask uint64) {
	if mask == 0 {
		return
	}
	le := binary.LittleEndian
	for ; len(payload) >= 8; payload = payload[8:] {
		le.PutUint64(payload, le.Uint64(payload)^mask)
	}
	for i := range payload {
		payload[i] ^= byte(mask >> (8 * i))
	}
}

// hasBlankShare reports whether one of the sectors that the frame touches has
// nothing but zeros of it.
func hasBlankShare(frame []byte, offset int64) bool {
	n := sectorSize - int(offset%sectorSize)
	for len(frame) > 0 {
		n = min(n, len(frame))
		if isZero(frame[:n]) {
			return true
		}
		frame, n = frame[n:], sectorSize
	}
	return false
}

func isZero(b []byte) bool {
	const block = 4096
	var zeros [block]byte
	for len(b) > block {
		if !bytes.Equal(b[:block], zeros[:]) {
			return false
		}
		b = b[block:]
	}
	return bytes.Equal(b, zeros[:len(b)])
}
