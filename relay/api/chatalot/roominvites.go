package chatalot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// A roomInvite is a right to come into a community or a group. Its code is found
// by its digest, and kept sealed for those who may see it.
type roomInvite struct {
	Room    relay.ID     `cbor:"1,keyasint"`
	Digest  relay.Digest `cbor:"2,keyasint"`
	Code    []byte       `cbor:"3,keyasint"` // sealed
	Max     int          `cbor:"4,keyasint,omitempty"`
	Used    int          `cbor:"5,keyasint,omitempty"`
	Expires relay.Time   `cbor:"6,keyasint,omitempty"`
	Created relay.Time   `cbor:"7,keyasint"`
	By      relay.ID     `cbor:"8,keyasint"`
	Group   bool         `cbor:"9,keyasint,omitempty"`
}

var roomInvites = relay.NewRecords("chatalot room invite",
	relay.Index[roomInvite]{Name: "code", Unique: true, Key: func(i *roomInvite) [][]byte { return [][]byte{i.Digest[:]} }},
	relay.Index[roomInvite]{Name: "room", Key: func(i *roomInvite) [][]byte {
		return [][]byte{append(i.Room[:], timeKey(i.Created)...)}
	}},
).GoesWith("room", nil)

// Bounds of invites.
const (
	inviteCode        = 12 // letters and digits
	maxInviteCode     = 100
	maxInvitesListed  = 200
	maxInvites        = 500 // of one room
	roomInviteContext = "chatalot room invite"
)

func inviteDigest(code string, group bool) relay.Digest {
	kind := roomCommunity
	if group {
		kind = roomGroup
	}
	return relay.DigestOf([]byte(roomInviteContext), []byte(kind), []byte(code))
}

// roomInviteIn is what an invite is made of; all of it may be left out.
type roomInviteIn struct {
	wire.Optional
	MaxUses *int `json:"max_uses"`
	Hours   *int `json:"expires_in_hours"`
}

func (in *roomInviteIn) limits() *inviteIn { return &inviteIn{in.MaxUses, in.Hours} }

// Check is that of every kind of invite.
func (in *roomInviteIn) Check() error { return in.limits().Check() }

// roomInviteOut is a CommunityInvite or a GroupInvite.
type roomInviteOut struct {
	ID          uuid   `json:"id"`
	Code        string `json:"code"`
	CommunityID uuid   `json:"community_id,omitzero"`
	GroupID     uuid   `json:"group_id,omitzero"`
	MaxUses     *int   `json:"max_uses"`
	Used        int    `json:"used_count"`
	ExpiresAt   moment `json:"expires_at"`
	CreatedAt   moment `json:"created_at"`
}

func newRoomInvite(tx *relay.Tx, id relay.ID, i *roomInvite) (roomInviteOut, error) {
	code, err := tx.Unseal(roomInviteContext, i.Code)
	out := roomInviteOut{ID: uuid(id), Code: string(code), Used: i.Used, ExpiresAt: moment(i.Expires), CreatedAt: moment(i.Created)}
	if i.Max > 0 {
		out.MaxUses = &i.Max
	}
	if out.CommunityID = uuid(i.Room); i.Group {
		out.CommunityID, out.GroupID = uuid{}, uuid(i.Room)
	}
	return out, err
}

// makeInvite makes an invite to a room.
func makeInvite(tx *relay.Tx, p place, in roomInviteIn) (out roomInviteOut, err error) {
	if roomInvites.Count(tx, "room", relay.Span{Prefix: p.Room.ID[:], Limit: maxInvites}) >= maxInvites {
		return out, bad("at most %d invites", maxInvites)
	}
	code := newCode(inviteCode)
	i := roomInvite{
		Room: p.Room.ID, Created: relay.Time(tx.Now()), By: p.who, Group: p.kind() == roomGroup,
	}
	i.Digest = inviteDigest(code, i.Group)
	if i.Code, err = tx.Seal(roomInviteContext, []byte(code)); err != nil {
		return out, err
	}
	i.Max, i.Expires = in.limits().limits(tx)
	id := newRecordID(tx)
	if err := roomInvites.Put(tx, id, &i); err != nil {
		return out, err
	}
	return newRoomInvite(tx, id, &i)
}

// invitesTo lists the invites to a room, newest first.
func invitesTo(tx *relay.Tx, room relay.ID, limit int) ([]roomInviteOut, error) {
	list := []roomInviteOut{}
	for f, err := range roomInvites.Scan(tx, "room", relay.Span{Prefix: room[:], Reverse: true, Limit: limit}) {
		if err != nil {
			return nil, err
		}
		out, err := newRoomInvite(tx, f.ID, f.Record)
		if err != nil {
			return nil, err
		}
		list = append(list, out)
	}
	return list, nil
}

// dropInvite takes an invite to a room back.
func dropInvite(tx *relay.Tx, room, id relay.ID) error {
	i, found, err := roomInvites.Get(tx, id)
	if err != nil {
		return err
	}
	if !found || i.Room != room {
		return noRoomInvite()
	}
	_, err = roomInvites.Delete(tx, id)
	return err
}

func noRoomInvite() *relay.Error {
	return relay.Errorf(relay.NotFound, relay.SubjectInvite, "invite not found")
}

// findInvite returns the invite of a code, with its room.
func findInvite(c *wire.Call, tx *relay.Tx, group bool) (id relay.ID, i *roomInvite, r relay.Room, set roomSettings, err error) {
	code := c.Param("code")
	if len(code) > maxInviteCode {
		return id, nil, r, set, bad("no such code")
	}
	digest := inviteDigest(code, group)
	id, i, found, err := roomInvites.Find(tx, "code", digest[:])
	if err == nil && !found {
		err = noRoomInvite()
	}
	if err != nil {
		return id, nil, r, set, err
	}
	if r, err = tx.Room(i.Room); relay.Is(err, relay.NotFound) {
		err = noRoomInvite() // closing
	}
	if err == nil {
		set, err = settingsOf(r)
	}
	return id, i, r, set, err
}

// good fails when an invite has expired, or was used as often as it may be.
func (i *roomInvite) good(tx *relay.Tx) error {
	switch {
	case i.Expires != 0 && i.Expires <= tx.Wall():
		return relay.Errorf(relay.Invalid, relay.SubjectInvite, "invite has expired")
	case i.Max > 0 && i.Used >= i.Max:
		return relay.Errorf(relay.Invalid, relay.SubjectInvite, "invite has been used up")
	}
	return nil
}

// spend uses an invite once.
func (i *roomInvite) spend(tx *relay.Tx, id relay.ID) error {
	i.Used++
	return roomInvites.Put(tx, id, i)
}
