package storage

import (
	"encoding/binary"
	"hash/crc32"
)

// A record is one batch in the journal. It begins at a multiple of blockSize
// and is filled up with zeros to the next:
//
//	 0   4  CRC-32C of the journal's id and of all that follows
//	 4   4  length in bytes, this header and the end mark included
//	 8   8  epoch
//	16   8  where in its file the record begins
//	24   8  where the last record of the epoch before ended
//	32   8  the commit clock after the batch
//	40   4  number of changes
//	44      changes: length of the key, length of the value + 1 or 0 for a
//	        deletion (both as uvarint), key, value
//	        end mark: one byte that is not zero
//
// All numbers are big-endian. The id is random and stands in the store's file
// only, so nobody can send a message that reads as a record. The end mark
// makes a record that was cut short one that does not check, even if zeros are
// what it lacks.

const (
	blockSize  = 4096
	headerSize = 44
	endMark    = 0xe1
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A journalID tells the records of one journal from those of all others.
type journalID [16]byte

// A header is what a record says about itself.
type header struct {
	epoch  uint64
	offset int64
	before int64
	last   int64
}

// padded rounds up to whole blocks.
func padded(n int) int64 { return (int64(n) + blockSize - 1) / blockSize * blockSize }

// recordSize is the length of a record with these changes, without padding.
func recordSize(list []*entry) int {
	n := headerSize + 1
	for _, e := range list {
		n += uvarintSize(len(e.key)) + len(e.key) + len(e.value)
		if e.value == nil {
			n++
		} else {
			n += uvarintSize(len(e.value) + 1)
		}
	}
	return n
}

func uvarintSize(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// appendRecord appends the record to buf, without padding.
func appendRecord(buf []byte, id journalID, h header, list []*entry) []byte {
	start := len(buf)
	buf = append(buf, 0, 0, 0, 0, 0, 0, 0, 0)
	buf = binary.BigEndian.AppendUint64(buf, h.epoch)
	buf = binary.BigEndian.AppendUint64(buf, uint64(h.offset))
	buf = binary.BigEndian.AppendUint64(buf, uint64(h.before))
	buf = binary.BigEndian.AppendUint64(buf, uint64(h.last))
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(list)))
	for _, e := range list {
		buf = binary.AppendUvarint(buf, uint64(len(e.key)))
		if e.value == nil {
			buf = append(buf, 0)
		} else {
			buf = binary.AppendUvarint(buf, uint64(len(e.value)+1))
		}
		buf = append(buf, e.key...)
		buf = append(buf, e.value...)
	}
	buf = append(buf, endMark)
	r := buf[start:]
	binary.BigEndian.PutUint32(r[4:], uint32(len(r)))
	binary.BigEndian.PutUint32(r, checksum(id, r))
	return buf
}

// checksum is that of a record, whose own place for it is left out.
func checksum(id journalID, r []byte) uint32 {
	return crc32.Update(crc32.Checksum(id[:], castagnoli), castagnoli, r[4:])
}

// recordLength is how long the record at the beginning of block claims to be,
// or 0 when no record can be that long.
func recordLength(block []byte, most int64) int {
	if len(block) < headerSize {
		return 0
	}
	n := int64(binary.BigEndian.Uint32(block[4:]))
	if n <= headerSize || n > most {
		return 0
	}
	return int(n)
}

// parseRecord reads a record of exactly this length. The entries share its
// memory. It returns false for anything that appendRecord did not write.
func parseRecord(r []byte, id journalID) (h header, list []*entry, ok bool) {
	if n := recordLength(r, int64(len(r))); n == 0 || n != len(r) || r[n-1] != endMark ||
		binary.BigEndian.Uint32(r) != checksum(id, r) {
		return header{}, nil, false
	}
	h = header{
		epoch:  binary.BigEndian.Uint64(r[8:]),
		offset: int64(binary.BigEndian.Uint64(r[16:])),
		before: int64(binary.BigEndian.Uint64(r[24:])),
		last:   int64(binary.BigEndian.Uint64(r[32:])),
	}
	count := binary.BigEndian.Uint32(r[40:])
	body := r[headerSize : len(r)-1]
	if uint64(count) > uint64(len(body)/3) { // a change has two lengths and a key at least
		return header{}, nil, false
	}
	entries := make([]entry, count)
	list = make([]*entry, count)
	for i := range list {
		if body, ok = parseChange(body, &entries[i]); !ok {
			return header{}, nil, false
		}
		list[i] = &entries[i]
	}
	return h, list, len(body) == 0
}

// parseChange reads one change from the beginning of body and returns the rest.
func parseChange(body []byte, e *entry) (rest []byte, ok bool) {
	key, body, ok := parseLength(body)
	if !ok || key == 0 {
		return nil, false
	}
	value, body, ok := parseLength(body)
	if !ok || key > len(body) {
		return nil, false
	}
	e.key, body = body[:key:key], body[key:]
	if value == 0 {
		return body, true
	}
	if value--; value > len(body) {
		return nil, false
	}
	e.value = body[:value:value]
	return body[value:], true
}

func parseLength(body []byte) (n int, rest []byte, ok bool) {
	v, size := binary.Uvarint(body)
	if size <= 0 || v > MaxTxnBytes || size != uvarintSize(int(v)) {
		return 0, nil, false
	}
	return int(v), body[size:], true
}
