package relay

import (
	"bytes"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

// What is written by hand are the library's bytes; what the relay writes is read
// by hand, and means what the library says.
func TestEntry_Read(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := Entry{
			Kind:     rapid.StringN(0, 300, -1).Draw(rt, "kind"),
			Body:     rapid.SliceOf(rapid.Byte()).Draw(rt, "body"),
			Nonce:    rapid.SliceOf(rapid.Byte()).Draw(rt, "nonce"),
			Reply:    Time(rapid.Int64Min(0).Draw(rt, "reply")),
			Thread:   Time(rapid.Int64Range(0, 300).Draw(rt, "thread")),
			Expires:  Time(rapid.Int64Min(0).Draw(rt, "expires")),
			Edited:   Time(rapid.Int64Range(0, 70_000).Draw(rt, "edited")),
			Place:    rapid.Uint16().Draw(rt, "place"),
			Extra:    rapid.SliceOf(rapid.Byte()).Draw(rt, "extra"),
			Erased:   rapid.Bool().Draw(rt, "erased"),
			Withheld: rapid.Bool().Draw(rt, "withheld"),
		}
		copy(want.From[:], rapid.SliceOfN(rapid.Byte(), 0, 16).Draw(rt, "from"))
		v := written(rt, want)
		var byHand, byLibrary Entry
		if !byHand.read(v) {
			rt.Fatal("what the relay wrote was not read by hand")
		}
		if err := decode(v, &byLibrary); err != nil {
			rt.Fatal(err)
		}
		if !reflect.DeepEqual(byHand, byLibrary) {
			rt.Fatalf("got %+v, want %+v", byHand, byLibrary)
		}
		want.Reply, want.Edited = -1-want.Reply, -1-want.Edited // never, but it would be written
		written(rt, want)
		head, err := decodeHead(Messages, EntryID{}, v)
		byLibrary.Lane, byLibrary.Body, byLibrary.Nonce, byLibrary.Extra = Messages, nil, nil, nil
		if err != nil || !reflect.DeepEqual(head, byLibrary) {
			rt.Fatalf("the head: got %+v, %v, want %+v", head, err, byLibrary)
		}
	})
}

// written returns the value of an entry, which must be the library's.
func written(rt *rapid.T, e Entry) (v []byte) {
	want, err := encoding.Marshal(e)
	if err != nil {
		rt.Fatal(err)
	}
	_ = encodeEntry(&e, func(got []byte) error { v = bytes.Clone(got); return nil })
	if !bytes.Equal(v, want) {
		rt.Fatalf("wrote %x, want %x", v, want)
	}
	return v
}

// Whatever is read by hand, the library reads the same.
func FuzzEntry_Read(f *testing.F) {
	for _, e := range []Entry{{}, {Kind: "message", From: ID{1}, Body: []byte("sealed"), Reply: 5, Place: 300, Erased: true}} {
		v, err := encoding.Marshal(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		var byHand, byLibrary Entry
		if !byHand.read(v) {
			return
		}
		if err := decode(v, &byLibrary); err != nil {
			t.Fatalf("read by hand, but: %v", err)
		}
		if !reflect.DeepEqual(byHand, byLibrary) {
			t.Fatalf("got %+v, want %+v", byHand, byLibrary)
		}
	})
}
