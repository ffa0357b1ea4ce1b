package relay

import (
	"bytes"
	"errors"
	"fmt"
)

// A shape is what rows of one kind look like.
type shape struct {
	key   func(k []byte) bool
	value func(v []byte) bool
}

// Shapes of keys.

func exactly(n int) func([]byte) bool { return func(b []byte) bool { return len(b) == n } }
func atLeast(n int) func([]byte) bool { return func(b []byte) bool { return len(b) >= n } }

// words says that a key has n words, each with its zero byte, from a place on,
// and at least rest bytes after them.
func words(from, n, rest int) func([]byte) bool {
	return func(k []byte) bool {
		if len(k) < from {
			return false
		}
		k = k[from:]
		for range n {
			end := bytes.IndexByte(k, 0)
			if end < 0 {
				return false
			}
			k = k[end+1:]
		}
		return len(k) >= rest
	}
}

// Shapes of values.

func anything([]byte) bool { return true }

func as[T any]() func([]byte) bool { return func(v []byte) bool { return decode(v, new(T)) == nil } }

// alias says that a value is an id or that of an entry.
func alias(v []byte) bool { return len(v) == 16 || len(v) == 12 }

// shapes are the rows of the key table.
var shapes = map[byte]shape{
	kindAccount:    {exactly(17), as[Account]()},
	kindLogin:      {words(1, 2, 0), exactly(16)},
	kindLogins:     {words(17, 2, 0), exactly(0)},
	kindCredential: {atLeast(18), anything},
	kindDevice:     {exactly(33), as[Device]()},
	kindToken:      {exactly(33), as[Token]()},
	kindBlock:      {exactly(34), as[blockRow]()},
	kindRoom:       {exactly(17), as[Room]()},
	kindOpenRoom:   {exactly(33), as[Room]()},
	kindMember:     {exactly(33), as[Member]()},
	kindJoined:     {exactly(33), exactly(0)},
	kindChild:      {exactly(33), exactly(0)},
	kindPair:       {exactly(33), exactly(16)},
	kindBox:        {exactly(7), as[Box]()},
	kindEntry:      {exactly(13), as[Entry]()},
	kindEvent:      {exactly(13), as[Entry]()},
	kindMark:       {atLeast(20), anything}, // see markShape
	kindMarked:     {exactly(20), exactly(0)},
	kindReply:      {exactly(19), exactly(0)},
	kindCursor:     {exactly(23), exactly(6)},
	kindOnce:       {exactly(37), as[onceRow]()},
	kindRecord:     {words(1, 1, 16), as[any]()},
	kindIndex:      {words(1, 3, 16), exactly(0)},
	kindAlias:      {words(17, 1, 0), alias},
	kindBlob:       {exactly(17), as[Blob]()},
	kindTimer:      {exactly(15), as[timerRow]()},
	kindMeta:       {atLeast(2), anything},
}

// CheckRow reports what is wrong with a row of the store: a kind nobody knows,
// a key or a value that is not what that kind has. It names kinds and lengths
// and nothing of what the row says.
func CheckRow(k, v []byte) error {
	if len(k) == 0 {
		return errors.New("an empty key")
	}
	s, known := shapes[k[0]]
	if !known {
		return fmt.Errorf("a row of unknown kind %q", k[0])
	}
	if k[0] == kindMark {
		s = markShape(k)
	}
	if !s.key(k) {
		return fmt.Errorf("a row of kind %q with a wrong key of %d bytes", k[0], len(k))
	}
	if !s.value(v) {
		return fmt.Errorf("a row of kind %q with a wrong value of %d bytes", k[0], len(v))
	}
	return nil
}

// markShape is the shape of what lies under an entry: a mark, or an old version.
func markShape(k []byte) shape {
	if len(k) > 13 && k[13] == markVersion {
		return shape{exactly(20), as[Entry]()}
	}
	return shape{atLeast(30), as[Mark]()}
}
