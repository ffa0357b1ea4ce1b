package relay

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// The order of keys is the order of boxes, and in a box that of times; what a
// key is made of comes out of it again.
func FuzzEntryKey(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6}, []byte{1, 2, 3, 4, 5, 7}, int64(5), int64(1)<<40)
	f.Add([]byte{}, []byte{255}, int64(0), int64(maxTime))
	f.Fuzz(func(t *testing.T, b1, b2 []byte, t1, t2 int64) {
		var x, y EntryID
		copy(x.Box[:], b1)
		copy(y.Box[:], b2)
		x.Time, y.Time = Time(t1)&maxTime, Time(t2)&maxTime
		kx, ky := entryKey(kindEntry, x), entryKey(kindEntry, y)
		if len(kx) != 13 || entryTime(kx) != x.Time || BoxID(kx[1:7]) != x.Box {
			t.Errorf("%v became %x", x, kx)
		}
		if EntryIDFrom(x.Bytes()) != x {
			t.Errorf("%v is written as %x", x, x.Bytes())
		}
		want := bytes.Compare(x.Box[:], y.Box[:])
		if want == 0 {
			want = int(min(max(x.Time-y.Time, -1), 1))
		}
		if got := bytes.Compare(kx, ky); got != want {
			t.Errorf("keys of %v and %v compare as %d, want %d", x, y, got, want)
		}
		bx, by := x.Bytes(), y.Bytes()
		if x.Time != y.Time && (bytes.Compare(bx[:], by[:]) < 0) != (x.Time < y.Time) {
			t.Errorf("ids of %v and %v do not rise with time", x, y)
		}
		// A range holds what its times say, whatever times they are.
		rg := between(kindEntry, x.Box, Time(t1), Time(t2))
		in := bytes.Compare(ky, rg.From) >= 0 && bytes.Compare(ky, rg.To) < 0
		if y.Time > 0 && y.Time < maxTime && in != (x.Box == y.Box && y.Time > Time(t1) && y.Time <= Time(t2)) {
			t.Errorf("%v within (%d, %d]: %v", y, t1, t2, in)
		}
	})
}

func FuzzParseID(f *testing.F) {
	f.Add(strings.Repeat("0123456789abcdef", 2))
	f.Add(strings.Repeat("A", 32))
	f.Fuzz(func(t *testing.T, s string) {
		id, ok := ParseID(s)
		if ok && id.String() != s {
			t.Errorf("%q was read as %v", s, id)
		}
		if lower := len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""; ok != lower {
			t.Errorf("%q is an id: %v", s, ok)
		}
	})
}

func FuzzDecodeEntry(f *testing.F) {
	v, err := encoding.Marshal(Entry{Kind: "message", From: ID{1}, Body: []byte("b"), Nonce: []byte("n"), Reply: 1, Thread: 2, Place: 3})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v)
	f.Add([]byte{0xa1, 0x02, 0x41})
	f.Fuzz(func(t *testing.T, v []byte) {
		e, err := decodeEntry(Messages, EntryID{BoxID{1}, 5}, v)
		if err != nil {
			return
		}
		again, err := encoding.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := decodeEntry(Messages, e.ID, again); err != nil || f.Kind != e.Kind || !bytes.Equal(f.Body, e.Body) || f.Reply != e.Reply || f.From != e.From {
			t.Errorf("%+v comes back as %+v, %v", e, f, err)
		}
	})
}

func FuzzCheckRow(f *testing.F) {
	for kind := range shapes {
		f.Add(append([]byte{kind}, make([]byte, 32)...), []byte{0xa0})
		f.Add([]byte{kind}, []byte(nil))
	}
	f.Fuzz(func(t *testing.T, k, v []byte) {
		err := CheckRow(k, v)
		if len(v) > 8 && err != nil && strings.Contains(err.Error(), string(v)) {
			t.Errorf("what is wrong gives the row away: %v", err)
		}
	})
}

// Every kind of the table of keys has a shape, and no two share a letter.
func TestShapes(t *testing.T) {
	kinds := []byte{
		kindAccount, kindLogin, kindLogins, kindCredential, kindDevice, kindToken, kindBlock, kindRoom, kindOpenRoom,
		kindMember, kindJoined, kindChild, kindPair, kindBox, kindEntry, kindEvent, kindMark, kindMarked, kindReply,
		kindCursor, kindOnce, kindRecord, kindIndex, kindAlias, kindBlob, kindTimer, kindMeta,
	}
	for _, kind := range kinds {
		if _, known := shapes[kind]; !known {
			t.Errorf("kind %q has no shape", kind)
		}
	}
	slices.Sort(kinds)
	if n := len(slices.Compact(kinds)); n != len(shapes) {
		t.Errorf("%d kinds, %d shapes", n, len(shapes))
	}
}
