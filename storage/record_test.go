package storage

import (
	"bytes"
	"fmt"
	"math"
	"testing"
)

var someID = journalID{1, 2, 3}

func someRecord() (header, []*entry) {
	h := header{epoch: 7, offset: 8192, before: 4096, last: 1_800_000_000_000}
	return h, []*entry{
		{key: []byte("a"), value: []byte("1")},
		{key: []byte("b")},
		{key: []byte("c"), value: []byte{}},
		{key: bytes.Repeat([]byte("d"), MaxKeyBytes), value: make([]byte, MaxValueBytes)},
	}
}

func TestRecord(t *testing.T) {
	h, list := someRecord()
	r := appendRecord(nil, someID, h, list)
	if len(r) != recordSize(list) {
		t.Errorf("it has %d bytes, announced were %d", len(r), recordSize(list))
	}
	gotHeader, got, ok := parseRecord(r, someID)
	if !ok || gotHeader != h || len(got) != len(list) {
		t.Fatalf("got %+v, %d changes, %v", gotHeader, len(got), ok)
	}
	for i, e := range got {
		if !bytes.Equal(e.key, list[i].key) || !bytes.Equal(e.value, list[i].value) || (e.value == nil) != (list[i].value == nil) {
			t.Errorf("change %d: got %q of %d bytes, deleted %v", i, e.key, len(e.value), e.value == nil)
		}
	}
}

// No byte of a record can be another, and none can be missing: not even zeros
// at its end.
func TestRecord_Damaged(t *testing.T) {
	h, _ := someRecord()
	list := []*entry{{key: []byte("key"), value: make([]byte, 100)}, {key: []byte("x")}}
	r := appendRecord(nil, someID, h, list)
	for i := range r {
		for _, flip := range []byte{1, 0x80, 0xff} {
			bad := bytes.Clone(r)
			bad[i] ^= flip
			if _, _, ok := parseRecord(bad, someID); ok {
				t.Errorf("byte %d may be another", i)
			}
		}
		cut := make([]byte, len(r))
		copy(cut, r[:i])
		if _, _, ok := parseRecord(cut, someID); ok {
			t.Errorf("it may be cut at %d", i)
		}
		if _, _, ok := parseRecord(r[:i], someID); ok {
			t.Errorf("it may have %d bytes", i)
		}
	}
	if _, _, ok := parseRecord(r, journalID{4}); ok {
		t.Error("it is taken as one of another journal")
	}
}

// Whatever the decoder takes is what the encoder writes.
func FuzzRecord(f *testing.F) {
	h, list := someRecord()
	f.Add(appendRecord(nil, someID, h, list[:3]), true)
	f.Add(appendRecord(nil, someID, header{epoch: math.MaxUint64, last: -1}, nil), true)
	f.Add([]byte("no record at all, but long enough to have the length of a header"), true)
	f.Fuzz(func(t *testing.T, r []byte, mend bool) {
		if mend && len(r) > headerSize { // what would always be wrong
			r = bytes.Clone(r)
			r[len(r)-1] = endMark
			copy(r[4:], []byte{byte(len(r) >> 24), byte(len(r) >> 16), byte(len(r) >> 8), byte(len(r))})
			sum := checksum(someID, r)
			copy(r, []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
		}
		h, list, ok := parseRecord(r, someID)
		if !ok {
			return
		}
		if again := appendRecord(nil, someID, h, list); !bytes.Equal(again, r) {
			t.Errorf("%d bytes are taken, %d written", len(r), len(again))
		}
	})
}

// Replaying reads anything without harm, and stops.
func FuzzReplay(f *testing.F) {
	_, list := someRecord()
	file := make([]byte, blockSize)
	for range 3 {
		h := header{epoch: 1, offset: int64(len(file))}
		file = appendRecord(file, someID, h, list[:3])
		file = append(file, make([]byte, padded(len(file))-int64(len(file)))...)
	}
	f.Add(file)
	f.Fuzz(func(t *testing.T, file []byte) {
		var r records
		if err := r.read(bytes.NewReader(file), int64(len(file)), someID); err != nil {
			t.Error(err)
		}
		if r.end > max(padded(len(file)), blockSize) || r.end%blockSize != 0 {
			t.Errorf("it ends at %d of %d", r.end, len(file))
		}
	})
}

// Records end where the next does not follow: torn, of another epoch, of
// another place, of another journal.
func TestReplay_Ends(t *testing.T) {
	for _, c := range []struct {
		name string
		id   journalID
		h    header
	}{
		{"another journal", journalID{9}, header{epoch: 3, offset: 2 * blockSize}},
		{"another epoch", someID, header{epoch: 1, offset: 2 * blockSize}},
		{"a later epoch", someID, header{epoch: 5, offset: 2 * blockSize}},
		{"another place", someID, header{epoch: 3, offset: 3 * blockSize}},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := make([]byte, 4*blockSize)
			place := func(at int, id journalID, h header, key string) {
				copy(file[at:], appendRecord(nil, id, h, []*entry{{key: []byte(key), value: []byte{}}}))
			}
			place(blockSize, someID, header{epoch: 3, offset: blockSize, last: 5}, "a")
			place(2*blockSize, c.id, c.h, "b")
			place(3*blockSize, someID, header{epoch: 3, offset: 3 * blockSize, last: 6}, "c")
			var r records
			if err := r.read(bytes.NewReader(file), int64(len(file)), someID); err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(r.epoch, r.end, r.last, r.tree.size); got != "3 8192 5 1" {
				t.Errorf("got %s", got)
			}
		})
	}
}
