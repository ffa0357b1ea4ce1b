package jetico

import (
	"encoding/base64"

	"restante/relay"
	"restante/relay/api/wire"
)

// kindContact is the event, in their owner's box, that contacts have changed.
const kindContact = "contact"

// Limits of contacts.
const (
	maxContacts      = 10_000
	maxChanged       = 5_000 // by one request, those removed included
	contactsATelling = 100
)

// A contact is somebody in a user's list, who need not be registered.
type contact struct {
	Owner relay.ID `cbor:"1,keyasint"`
	Place uint64   `cbor:"2,keyasint"` // in the order of the list
	Who   []byte   `cbor:"3,keyasint"` // 32 bytes
	ID    string   `cbor:"4,keyasint"` // the rest is sealed by the owner
	Nick  *string  `cbor:"5,keyasint,omitempty"`
	Trust *string  `cbor:"6,keyasint,omitempty"`
}

var contacts = relay.NewRecords("jetico contact",
	relay.Index[contact]{Name: "owner", Key: func(c *contact) [][]byte {
		return [][]byte{append(c.Owner[:], timeKey(relay.Time(c.Place))...)}
	}},
	relay.Index[contact]{Name: "who", Key: func(c *contact) [][]byte { return [][]byte{c.Who} }},
).GoesWith("owner", nil)

// eachHolder calls fn for everybody who has an account among the contacts.
func eachHolder(tx *relay.Tx, who relay.ID, fn func(relay.ID) error) error {
	row, found, err := names.Get(tx, who)
	if err != nil || !found {
		return err
	}
	for f, err := range contacts.Scan(tx, "who", relay.Span{Exact: row.Hash, Limit: maxTold}) {
		if err == nil {
			err = fn(f.Record.Owner)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A contactIO is a contact on the wire, in either direction.
type contactIO struct {
	ContactID *string `json:"contactId"`
	Encrypted *string `json:"contactIdEncrypted"`
	Nick      *string `json:"nickEncrypted"`
	Trust     *string `json:"trustedFingerprintEncrypted"`
}

func (in *contactIO) check(path string) error {
	return firstOf(
		someone(path+"contactId", in.ContactID), text(path+"contactIdEncrypted", in.Encrypted, maxText),
		textOrNil(path+"nickEncrypted", in.Nick, maxText), textOrNil(path+"trustedFingerprintEncrypted", in.Trust, maxText),
	)
}

type contactsOut struct {
	Users []contactIO `json:"users"`
}

func (contactsOut) reply() string { return "ResponseContactList" }

// getContacts returns the caller's contacts, in their order.
func (a *api) getContacts(c *wire.Call, tx *relay.Tx, in selfIn) (contactsOut, error) {
	out := contactsOut{[]contactIO{}}
	if err := self(c, in.UserID); err != nil {
		return out, err
	}
	list, err := contactsOf(tx, c.Who.Account)
	for _, ct := range list {
		id := base64.StdEncoding.EncodeToString(ct.Who)
		out.Users = append(out.Users, contactIO{&id, &ct.ID, ct.Nick, ct.Trust})
	}
	return out, err
}

// contactsOf returns the contacts of an account, in their order.
func contactsOf(tx *relay.Tx, owner relay.ID) (list []*contact, err error) {
	span := relay.Span{Prefix: owner[:]}
	for {
		n := 0
		for f, err := range contacts.Scan(tx, "owner", span) {
			if err != nil {
				return nil, err
			}
			list = append(list, f.Record)
			span.Past, n = f.Place, n+1
		}
		if n == 0 {
			return list, nil
		}
	}
}

func contactID(owner relay.ID, who []byte) relay.ID { return recordID(owner[:], who) }

type updateContactIn struct {
	Contact *contactIO `json:"contact"`
	UserID  *string    `json:"userId"`
}

func (in *updateContactIn) Check() error {
	if in.Contact == nil {
		return wire.MissingField("contact")
	}
	return firstOf(in.Contact.check("contact."), user("userId", in.UserID))
}

// updateContact adds a contact or changes it.
func (a *api) updateContact(c *wire.Call, tx *relay.Tx, in updateContactIn) (wire.None, error) {
	if err := self(c, in.UserID); err != nil {
		return wire.None{}, err
	}
	return wire.None{}, changeContacts(c, tx, []contactIO{*in.Contact}, true)
}

type updateContactsIn struct {
	List  *[]contactIO `json:"contactList"`
	Merge *bool        `json:"merge"`
}

func (in *updateContactsIn) Check() error {
	if in.List == nil {
		return wire.MissingField("contactList")
	}
	if len(*in.List) > maxContacts {
		return wire.BadField("contactList")
	}
	for i := range *in.List {
		if err := (*in.List)[i].check("contactList."); err != nil {
			return err
		}
	}
	return present("merge", in.Merge)
}

// updateContacts adds and changes contacts, or replaces them all.
func (a *api) updateContacts(c *wire.Call, tx *relay.Tx, in updateContactsIn) (wire.None, error) {
	return wire.None{}, changeContacts(c, tx, *in.List, *in.Merge)
}

// changeContacts stores contacts of the caller, and tells his other sessions
// of each that was added, changed or removed.
func changeContacts(c *wire.Call, tx *relay.Tx, list []contactIO, merge bool) error {
	owner := c.Who.Account
	have, err := contactsOf(tx, owner)
	if err != nil {
		return err
	}
	known, last := map[string]*contact{}, uint64(0)
	for _, ct := range have {
		known[string(ct.Who)], last = ct, max(last, ct.Place)
	}
	next := map[string]contactIO{}
	var changed [][]byte
	for _, in := range list { // the last of several counts, in the place of the first
		id, err := userIDFrom(tx, *in.ContactID)
		if err != nil {
			return err
		}
		raw, _ := rawUser(id)
		if _, again := next[string(raw)]; !again {
			changed = append(changed, raw)
		}
		next[string(raw)] = in
	}
	var removed [][]byte
	for _, ct := range have {
		if _, stays := next[string(ct.Who)]; !merge && !stays {
			removed = append(removed, ct.Who)
		}
	}
	added := 0
	for _, raw := range changed {
		if known[string(raw)] == nil {
			added++
		}
	}
	if len(changed)+len(removed) > maxChanged || len(have)+added-len(removed) > maxContacts {
		return wire.BadField("contactList")
	}
	for _, raw := range removed {
		if _, err := contacts.Delete(tx, contactID(owner, raw)); err != nil {
			return err
		}
	}
	for _, raw := range changed {
		in := next[string(raw)]
		ct := &contact{Owner: owner, Who: raw, ID: *in.Encrypted, Nick: in.Nick, Trust: in.Trust}
		if old := known[string(raw)]; old != nil && merge {
			ct.Place = old.Place
		} else {
			last++
			ct.Place = last
		}
		if err := contacts.Put(tx, contactID(owner, raw), ct); err != nil {
			return err
		}
	}
	return tellContacts(tx, c.Who, append(removed, changed...))
}

// tellContacts tells an account's sessions that contacts have changed, so many
// at a time that no session has to take them all at once.
func tellContacts(tx *relay.Tx, who relay.Caller, list [][]byte) error {
	for len(list) > 0 {
		n := min(len(list), contactsATelling)
		d := relay.Draft{Lane: relay.Events, Kind: kindContact, From: who.Account, Extra: pack(list[:n])}
		if _, err := tx.Append(who.Box, d); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}
