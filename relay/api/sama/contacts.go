package sama

import (
	"encoding/binary"

	"restante/relay"
	"restante/relay/api/wire"
)

// maxContacts is how many entries an address book has.
const maxContacts = 5000

// A contact is an entry of an address book. Whom it is about is looked up when
// it is shown, so it is right whoever came or went since.
type contact struct {
	Owner   relay.ID      `cbor:"1,keyasint"`
	First   string        `cbor:"2,keyasint,omitempty"`
	Last    string        `cbor:"3,keyasint,omitempty"`
	Company string        `cbor:"4,keyasint,omitempty"`
	Email   []contactLine `cbor:"5,keyasint,omitempty"`
	Phone   []contactLine `cbor:"6,keyasint,omitempty"`
	Created relay.Time    `cbor:"7,keyasint"`
	Updated relay.Time    `cbor:"8,keyasint"`
}

// A contactLine is an address or a number.
type contactLine struct {
	Type    string `cbor:"1,keyasint,omitempty" json:"type"`
	Value   string `cbor:"2,keyasint" json:"value"`
	Matched string `cbor:"-" json:"matched_user_id,omitempty"`
}

const (
	indexOwner = "owner" // owner, time of the last change
)

var contacts = relay.NewRecords("sama contact",
	relay.Index[contact]{Name: indexOwner, Key: func(c *contact) [][]byte {
		return [][]byte{binary.BigEndian.AppendUint64(append([]byte(nil), c.Owner[:]...), uint64(c.Updated))}
	}}).GoesWith(indexOwner, nil)

type contactIn struct {
	First   field         `json:"first_name"`
	Last    field         `json:"last_name"`
	Company field         `json:"company"`
	Email   []contactLine `json:"email"`
	Phone   []contactLine `json:"phone"`
}

// check refuses what no contact may have.
func (in *contactIn) check() error {
	for _, f := range []field{in.First, in.Last, in.Company} {
		if !f.optional(2, 255) {
			return errShape
		}
	}
	for _, list := range [][]contactLine{in.Email, in.Phone} {
		if len(list) > 50 {
			return errShape
		}
		for _, l := range list {
			if l.Value == "" || len(l.Value) > 255 || len(l.Type) > 255 {
				return errShape
			}
		}
	}
	return nil
}

// Check refuses a new contact without a name, or without a way to reach it.
func (in *contactIn) Check() error {
	switch {
	case !in.First.set && !in.Last.set:
		return wrong("'first_name' or 'last_name' is missed.")
	case len(in.Email)+len(in.Phone) == 0:
		return wrong("Email or phone is missed.")
	}
	return in.check()
}

func (in *contactIn) apply(c *contact) {
	for _, f := range []struct {
		to   *string
		from field
	}{{&c.First, in.First}, {&c.Last, in.Last}, {&c.Company, in.Company}} {
		if f.from.set {
			*f.to = f.from.v
		}
	}
	if in.Email != nil {
		c.Email = in.Email
	}
	if in.Phone != nil {
		c.Phone = in.Phone
	}
}

type contactOut struct {
	ID        string        `json:"_id"`
	First     string        `json:"first_name,omitempty"`
	Last      string        `json:"last_name,omitempty"`
	Company   string        `json:"company,omitempty"`
	Email     []contactLine `json:"email,omitempty"`
	Phone     []contactLine `json:"phone,omitempty"`
	CreatedAt string        `json:"created_at"`
	UpdatedAt string        `json:"updated_at"`
}

// newContact renders a contact, with who it is as of now.
func newContact(tx *relay.Tx, id relay.ID, c *contact) (contactOut, error) {
	out := contactOut{
		ID: shown(id), First: c.First, Last: c.Last, Company: c.Company,
		CreatedAt: wire.ISO(c.Created), UpdatedAt: wire.ISO(c.Updated),
	}
	var err error
	if out.Email, err = matched(tx, loginEmail, c.Email); err == nil {
		out.Phone, err = matched(tx, loginPhone, c.Phone)
	}
	return out, err
}

func matched(tx *relay.Tx, kind string, lines []contactLine) ([]contactLine, error) {
	var out []contactLine
	for _, l := range lines {
		acc, err := tx.FindLogin(family, relay.Login{Kind: kind, Folded: folded(l.Value)})
		if err == nil {
			l.Matched = shown(acc.ID)
		} else if !relay.Is(err, relay.NotFound) {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

type contactAnswer struct {
	Contact contactOut `json:"contact"`
}

type contactsAnswer struct {
	Contacts []contactOut `json:"contacts"`
}

// An address book says whose its addresses and numbers are. That is a way to try
// all phones there are, so it is rationed: a large book at once, then so many an
// hour.
const (
	lookupsAtOnce = 10_000
	lookupsAnHour = 1_000
)

// rationed prices the addresses and numbers of contacts.
func (a *api) rationed(c *wire.Call, tx *relay.Tx, list ...contactIn) error {
	if c.Service.Rates == nil {
		return nil
	}
	n, who := 0, c.Who.Account
	for _, in := range list {
		n += len(in.Email) + len(in.Phone)
	}
	if ok, wait := a.lookups.Peek(who[:], n); !ok {
		return relay.Later(wait, "Too many contacts.")
	}
	tx.OnCommit(func() { a.lookups.Spend(who[:], n) })
	return nil
}

func (a *api) addContact(c *wire.Call, tx *relay.Tx, in contactIn) (contactAnswer, error) {
	if err := a.rationed(c, tx, in); err != nil {
		return contactAnswer{}, err
	}
	out, err := in.add(tx, c.Who.Account)
	return contactAnswer{out}, err
}

// add stores a new contact. Full: the address book is.
func (in contactIn) add(tx *relay.Tx, owner relay.ID) (contactOut, error) {
	if contacts.Count(tx, indexOwner, relay.Span{Prefix: owner[:], Limit: maxContacts}) >= maxContacts {
		return contactOut{}, said(relay.Full, "The address book is full.")
	}
	now, id := tx.Wall(), relay.NewID()
	v := &contact{Owner: owner, Created: now, Updated: now}
	in.apply(v)
	if err := contacts.Put(tx, id, v); err != nil {
		return contactOut{}, err
	}
	return newContact(tx, id, v)
}

type contactsIn struct {
	Contacts []contactIn `json:"contacts"`
}

func (in *contactsIn) Check() error {
	if len(in.Contacts) == 0 || len(in.Contacts) > 100 {
		return errShape
	}
	for i := range in.Contacts {
		if err := in.Contacts[i].Check(); err != nil {
			return err
		}
	}
	return nil
}

func (a *api) addContacts(c *wire.Call, tx *relay.Tx, in contactsIn) (contactsAnswer, error) {
	out := contactsAnswer{[]contactOut{}}
	if err := a.rationed(c, tx, in.Contacts...); err != nil {
		return out, err
	}
	for _, one := range in.Contacts {
		v, err := one.add(tx, c.Who.Account)
		if err != nil {
			return out, err
		}
		out.Contacts = append(out.Contacts, v)
	}
	return out, nil
}

type updateContactIn struct {
	ID field `json:"id"`
	contactIn
}

func (in *updateContactIn) Check() error {
	if !in.ID.set || in.ID.bad || in.ID.v == "" {
		return wrong("Contact id is missed.")
	}
	return in.check()
}

// updateContact changes an own contact; lists that are given replace the old.
func (a *api) updateContact(c *wire.Call, tx *relay.Tx, in updateContactIn) (contactAnswer, error) {
	id, v, err := ownContact(tx, c.Who.Account, in.ID.v)
	if err != nil {
		return contactAnswer{}, err
	}
	if v == nil {
		return contactAnswer{}, wrong("Contact not found.")
	}
	if err := a.rationed(c, tx, in.contactIn); err != nil {
		return contactAnswer{}, err
	}
	in.apply(v)
	v.Updated = max(tx.Wall(), v.Updated+1)
	if err := contacts.Put(tx, id, v); err != nil {
		return contactAnswer{}, err
	}
	out, err := newContact(tx, id, v)
	return contactAnswer{out}, err
}

// ownContact finds a contact of somebody by the id that is shown; nil when it
// has none of that id.
func ownContact(tx *relay.Tx, owner relay.ID, s string) (relay.ID, *contact, error) {
	p, ok := prefix(s)
	if !ok {
		return relay.ID{}, nil, nil
	}
	var after relay.ID
	copy(after[:], p[:])
	for f, err := range contacts.All(tx, before(after)) {
		if err != nil || [12]byte(f.ID[:12]) != p || f.Record.Owner != owner {
			return relay.ID{}, nil, err
		}
		return f.ID, f.Record, nil
	}
	return relay.ID{}, nil, nil
}

// before is the id that comes just before id.
func before(id relay.ID) relay.ID {
	for i := len(id) - 1; i >= 0; i-- {
		if id[i]--; id[i] != 0xff {
			break
		}
	}
	return id
}

type listContactsIn struct {
	Updated moment   `json:"updated_at"`
	Limit   *int     `json:"limit"`
	IDs     []string `json:"ids"`
}

// listContacts shows the own address book, what was changed last first.
func (a *api) listContacts(c *wire.Call, tx *relay.Tx, in listContactsIn) (contactsAnswer, error) {
	out := contactsAnswer{[]contactOut{}}
	limit, err := page(in.Limit, 100)
	if err != nil || len(in.IDs) > 10 {
		return out, errShape
	}
	who := c.Who.Account
	for f, err := range contacts.Scan(tx, indexOwner, relay.Span{Prefix: who[:], Reverse: true}) {
		if err != nil {
			return out, err
		}
		if len(out.Contacts) == limit || in.Updated.set && f.Record.Updated <= in.Updated.time {
			break
		}
		if len(in.IDs) > 0 && !contains(in.IDs, shown(f.ID)) {
			continue
		}
		v, err := newContact(tx, f.ID, f.Record)
		if err != nil {
			return out, err
		}
		out.Contacts = append(out.Contacts, v)
	}
	return out, nil
}

type idIn struct {
	ID field `json:"id"`
}

// deleteContact removes an own contact; one that is not there is no error.
func (a *api) deleteContact(c *wire.Call, tx *relay.Tx, in idIn) (success, error) {
	if !in.ID.set || in.ID.bad || in.ID.v == "" {
		return success{}, wrong("Contact id is missed.")
	}
	id, v, err := ownContact(tx, c.Who.Account, in.ID.v)
	if err == nil && v != nil {
		_, err = contacts.Delete(tx, id)
	}
	return yes, err
}
