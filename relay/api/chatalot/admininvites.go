package chatalot

import (
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// adminInviteOps are the rows of invites to register.
func (a *api) adminInviteOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/admin/invites", wire.User, wire.Read(listRegInvites), "the invites to register, newest first"),
		wire.Row("POST /api/admin/invites", wire.User, wire.Write(createRegInvite), "a new invite to register"),
		wire.Row("DELETE /api/admin/invites/:id", wire.User, wire.Write(deleteRegInvite), "take an invite back"),
	}
}

// A regInvite is a right to register. Administrators are shown its code again,
// so it is sealed; found is it by a digest.
type regInvite struct {
	Digest  relay.Digest `cbor:"1,keyasint"`
	Code    []byte       `cbor:"2,keyasint"` // sealed
	By      relay.ID     `cbor:"3,keyasint"`
	MaxUses int          `cbor:"4,keyasint,omitempty"` // 0: no limit
	Used    int          `cbor:"5,keyasint,omitempty"`
	Expires relay.Time   `cbor:"6,keyasint,omitempty"`
	Created relay.Time   `cbor:"7,keyasint"`
}

var regInvites = relay.NewRecords("chatalot registration invite",
	relay.Index[regInvite]{Name: "code", Unique: true, Key: func(i *regInvite) [][]byte { return [][]byte{i.Digest[:]} }},
	relay.Index[regInvite]{Name: "time", Key: func(i *regInvite) [][]byte { return [][]byte{timeKey(i.Created)} }},
)

const (
	inviteContext = "chatalot invite"
	maxRegInvites = 500
)

var noInvite = bad("invalid or expired invite code")

// checkInvite says whether a code lets somebody register: an administrator's, or
// one that the operator made. None is good where none is needed.
func (a *api) checkInvite(tx *relay.Tx, code string) error {
	if code == "" {
		return nil
	}
	_, i, found, err := findRegInvite(tx, code)
	switch {
	case err != nil:
		return err
	case found && !i.good(tx):
		return noInvite
	case !found && tx.CheckInvite(code) != nil:
		return noInvite
	}
	return nil
}

// spendInvite uses a code once.
func (a *api) spendInvite(tx *relay.Tx, code string) error {
	if code == "" {
		return nil
	}
	id, i, found, err := findRegInvite(tx, code)
	switch {
	case err != nil:
		return err
	case !found:
		if tx.SpendInvite(code) != nil {
			return noInvite
		}
		return nil
	case !i.good(tx):
		return noInvite
	}
	i.Used++
	return regInvites.Put(tx, id, i)
}

func findRegInvite(tx *relay.Tx, code string) (relay.ID, *regInvite, bool, error) {
	d := relay.DigestOf([]byte(inviteContext), []byte(code))
	return regInvites.Find(tx, "code", d[:])
}

func (i *regInvite) good(tx *relay.Tx) bool {
	return (i.MaxUses == 0 || i.Used < i.MaxUses) && (i.Expires == 0 || i.Expires > tx.Wall())
}

// inviteIn is what every kind of invite is made from.
type inviteIn struct {
	MaxUses *int `json:"max_uses"`
	Hours   *int `json:"expires_in_hours"`
}

// Check refuses what makes no sense.
func (in *inviteIn) Check() error {
	if in.MaxUses != nil && *in.MaxUses < 1 {
		return bad("max_uses must be at least 1")
	}
	if in.Hours != nil && (*in.Hours < 1 || *in.Hours > 8760) {
		return bad("expires_in_hours must be 1 to 8760")
	}
	return nil
}

// limits returns how often an invite may be used, and until when; 0 is for ever.
func (in inviteIn) limits(tx *relay.Tx) (uses int, expires relay.Time) {
	if in.MaxUses != nil {
		uses = *in.MaxUses
	}
	if in.Hours != nil {
		expires = tx.Wall().Add(time.Duration(*in.Hours) * time.Hour)
	}
	return uses, expires
}

// regInviteOut is a RegInvite.
type regInviteOut struct {
	ID        uuid   `json:"id"`
	Code      string `json:"code"`
	By        uuid   `json:"created_by"`
	MaxUses   *int   `json:"max_uses"`
	Used      int    `json:"used_count"`
	ExpiresAt moment `json:"expires_at"`
	CreatedAt moment `json:"created_at"`
}

func newRegInvite(tx *relay.Tx, id relay.ID, i *regInvite) (regInviteOut, error) {
	code, err := tx.Unseal(inviteContext, i.Code)
	if err != nil {
		return regInviteOut{}, err
	}
	by, err := lasting(tx, i.By)
	return regInviteOut{uuid(id), string(code), uuid(by), orNull(i.MaxUses), i.Used, moment(i.Expires), moment(i.Created)}, err
}

// orNull is a number whose zero is null on the wire.
func orNull(n int) *int {
	if n == 0 {
		return nil
	}
	return &n
}

func listRegInvites(c *wire.Call, tx *relay.Tx, _ wire.None) ([]regInviteOut, error) {
	if err := administers(c, tx); err != nil {
		return nil, err
	}
	rows, err := listAll(tx, regInvites, "time", relay.Span{Reverse: true}, maxRegInvites)
	out := []regInviteOut{}
	for _, r := range rows {
		v, err := newRegInvite(tx, r.ID, r.Record)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, err
}

func createRegInvite(c *wire.Call, tx *relay.Tx, in inviteIn) (regInviteOut, error) {
	if err := administers(c, tx); err != nil {
		return regInviteOut{}, err
	}
	if regInvites.Count(tx, "time", relay.Span{Limit: maxRegInvites}) >= maxRegInvites {
		return regInviteOut{}, bad("at most %d invites", maxRegInvites)
	}
	code := newCode(12)
	sealed, err := tx.Seal(inviteContext, []byte(code))
	if err != nil {
		return regInviteOut{}, err
	}
	i := regInvite{Digest: relay.DigestOf([]byte(inviteContext), []byte(code)), Code: sealed, By: c.Who.Account, Created: relay.Time(tx.Now())}
	i.MaxUses, i.Expires = in.limits(tx)
	id := newRecordID(tx)
	if err := regInvites.Put(tx, id, &i); err != nil {
		return regInviteOut{}, err
	}
	return newRegInvite(tx, id, &i)
}

func deleteRegInvite(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	id, err := pathID(c, "id")
	if err == nil {
		err = administers(c, tx)
	}
	if err != nil {
		return wire.None{}, err
	}
	found, err := regInvites.Delete(tx, id)
	return wire.None{}, firstError(err, missing(found, "invite"))
}

// missing is the error of something that was not found.
func missing(found bool, what string) error {
	if found {
		return nil
	}
	return relay.Errorf(relay.NotFound, relay.SubjectRecord, "%s not found", what)
}
