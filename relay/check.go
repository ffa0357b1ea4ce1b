package relay

import "fmt"

// A shape is what rows of one kind look like.
type shape struct {
	key   func(n int) bool // whether a key may have that many bytes
	value func() any       // what the value decodes into; nil: anything
}

func exactly(n int) func(int) bool { return func(got int) bool { return got == n } }
func atLeast(n int) func(int) bool { return func(got int) bool { return got >= n } }

func as[T any]() func() any { return func() any { return new(T) } }

// shapes are the rows of the key table.
var shapes = map[byte]shape{
	kindAccount:    {exactly(17), as[Account]()},
	kindLogin:      {atLeast(3), nil},
	kindCredential: {atLeast(18), nil},
	kindDevice:     {exactly(33), as[Device]()},
	kindToken:      {exactly(33), as[Token]()},
	kindBlock:      {exactly(34), as[blockRow]()},
	kindRoom:       {exactly(17), as[Room]()},
	kindOpenRoom:   {exactly(33), as[Room]()},
	kindMember:     {exactly(33), as[Member]()},
	kindJoined:     {exactly(33), nil},
	kindChild:      {exactly(33), nil},
	kindPair:       {exactly(33), nil},
	kindBox:        {exactly(7), as[Box]()},
	kindEntry:      {exactly(13), as[Entry]()},
	kindEvent:      {exactly(13), as[Entry]()},
	kindMark:       {atLeast(14), nil},
	kindMarked:     {atLeast(20), nil},
	kindReply:      {exactly(19), nil},
	kindCursor:     {exactly(23), nil},
	kindOnce:       {exactly(37), as[onceRow]()},
	kindRecord:     {atLeast(19), nil},
	kindIndex:      {atLeast(20), nil},
	kindAlias:      {atLeast(18), nil},
	kindBlob:       {exactly(17), as[Blob]()},
	kindTimer:      {exactly(15), as[timerRow]()},
	kindMeta:       {atLeast(2), nil},
}

// CheckRow reports what is wrong with a row of the store: a kind nobody knows,
// a key of the wrong length, a value that does not decode. It names kinds and
// lengths and nothing of what the row says.
func CheckRow(k, v []byte) error {
	if len(k) == 0 {
		return fmt.Errorf("an empty key")
	}
	s, known := shapes[k[0]]
	if !known {
		return fmt.Errorf("a row of unknown kind %q", k[0])
	}
	if !s.key(len(k)) {
		return fmt.Errorf("a row of kind %q with a key of %d bytes", k[0], len(k))
	}
	if s.value == nil {
		return nil
	}
	if err := decode(v, s.value()); err != nil {
		return fmt.Errorf("a row of kind %q with a value that does not decode", k[0])
	}
	return nil
}
