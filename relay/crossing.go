package relay

import (
	"encoding/base64"
	"unicode/utf8"
)

// Names say how the people and rooms of a family are called where another
// family shows them. An empty name is none.
type Names struct {
	Account func(Account) string
	Room    func(Room) string
}

var names = map[string]Names{}

// DeclareNames says how a family calls its own. It panics when that was said
// before: it is called at start-up only.
func DeclareNames(family string, n Names) {
	if _, taken := names[family]; taken {
		panic("relay: names of " + family + " declared twice")
	}
	names[family] = n
}

// NameOf returns what an account is called where another family shows it: by
// its profile, or the first digits of its id when that says nothing, or it was
// removed.
func NameOf(a Account) string {
	if n := names[a.Family]; n.Account != nil && a.Removed == 0 {
		if name := n.Account(a); name != "" {
			return name
		}
	}
	return a.ID.String()[:8]
}

// NameOfRoom is NameOf for rooms.
func NameOfRoom(r Room) string {
	if n := names[r.Family]; n.Room != nil {
		if name := n.Room(r); name != "" {
			return name
		}
	}
	return r.ID.String()[:8]
}

// Text is how a sealed body is shown where a form has only strings: as it is
// when it is UTF-8, else in base64 (standard, padded).
func Text(body []byte) string {
	if utf8.Valid(body) {
		return string(body)
	}
	return base64.StdEncoding.EncodeToString(body)
}

// crosses fails with NotFound when a family keeps to itself and an account is of
// another: that the operator has shut the doors between them looks like nobody
// being there.
func (tx *Tx) crosses(who ID, family string, s Subject) error {
	if !tx.r.opts.NoCrossing {
		return nil
	}
	a, err := tx.Stub(who)
	switch {
	case err != nil:
		return err
	case a.Family == family:
		return nil
	case s == SubjectRoom:
		return noRoom()
	}
	return Errorf(NotFound, SubjectAccount, "no such user")
}

// Among returns what a look-up by id found for somebody of a family: nobody when
// the operator keeps the families apart and it is of another.
func (tx *Tx) Among(family string, a Account, err error) (Account, error) {
	if err == nil && tx.r.opts.NoCrossing && a.Family != family {
		return Account{}, Errorf(NotFound, SubjectAccount, "no such user")
	}
	return a, err
}

// MayMeet fails with NotFound (account) when an account is of another family and
// the operator keeps the families apart: who looks somebody up by id asks it.
func (tx *Tx) MayMeet(who ID, other Account) error {
	return tx.crosses(who, other.Family, SubjectAccount)
}
