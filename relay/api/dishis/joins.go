package dishis

import (
	"cmp"
	"net/http"

	"restante/relay"
	"restante/relay/api/wire"
)

// maxPending is how many wait to be let into one community.
const maxPending = 1000

type communityIn struct {
	byUser
	CommunityID string `json:"communityId"`
}

func (in *communityIn) Check() error { return required("communityId", in.CommunityID) }

type joinedOut struct {
	CommunityID string `json:"communityId"`
	UserID      string `json:"userId"`
	Role        string `json:"role"`
	JoinedAt    string `json:"joinedAt"`
}

type pendingOut struct {
	CommunityID string `json:"communityId"`
	UserID      string `json:"userId"`
	Status      string `json:"status"`
}

// joinCommunity makes the caller a member of a public community; of a private one
// he asks to become one.
func (a *api) joinCommunity(c *wire.Call, tx *relay.Tx, in communityIn) (answer, error) {
	g, member, err := findCommunity(tx, c.Who.Account, in.CommunityID)
	switch {
	case err != nil:
		return answer{}, err
	case member:
		return answer{}, refused("Already a member")
	case g.Private:
		return a.askToJoin(c, tx, g)
	}
	m, err := tx.Join(g.Room.ID, relay.Joining{By: c.Who.Account, Seat: relay.Seat{Account: c.Who.Account}})
	out := joinedOut{prefixCommunity + g.Room.ID.String(), userID(c.Who.Account), roleName(m.Role), wire.ISO(m.Joined)}
	return said("Successfully joined the community").of(out), err
}

// askToJoin has the caller wait for approval, and tells the admins once.
func (a *api) askToJoin(c *wire.Call, tx *relay.Tx, g group) (answer, error) {
	out := said("Join request submitted. Awaiting admin approval.").of(
		pendingOut{prefixCommunity + g.Room.ID.String(), userID(c.Who.Account), "pending"})
	out.status = http.StatusAccepted
	row, err := tx.Member(g.Room.ID, c.Who.Account)
	if err == nil && row.State == relay.StatePending {
		return out, nil
	}
	waiting, _, err := tx.MembersByState(g.Room.ID, relay.StatePending, relay.ID{}, maxPending)
	if err != nil {
		return answer{}, err
	}
	if len(waiting) == maxPending {
		return answer{}, refused("Too many join requests")
	}
	seat := relay.Seat{Account: c.Who.Account}
	if _, err := tx.Join(g.Room.ID, relay.Joining{By: c.Who.Account, Pending: true, Seat: seat}); err != nil {
		return answer{}, err
	}
	return out, eachMember(tx, g.Room.ID, func(m relay.Member) error {
		if m.Role < relay.RoleAdmin {
			return nil
		}
		return tellRequest(tx, m.Account, g.Room.ID, c.Who.Account)
	})
}

type leftOut struct {
	CommunityID string `json:"communityId"`
	UserID      string `json:"userId"`
}

// leaveCommunity takes the caller out of a community and its channels, or takes
// his asking back.
func (a *api) leaveCommunity(c *wire.Call, tx *relay.Tx, in communityIn) (answer, error) {
	g, member, err := findCommunity(tx, c.Who.Account, in.CommunityID)
	if err != nil {
		return answer{}, err
	}
	row, err := tx.Member(g.Room.ID, c.Who.Account)
	if !member && (err != nil || row.State != relay.StatePending) {
		return answer{}, refused("Not a member")
	}
	if member {
		if err := lastAdmin(tx, g.Room, g.Member, "The last admin cannot leave"); err != nil {
			return answer{}, err
		}
		if err := dropKeys(tx, g.Room.ID, c.Who.Account); err != nil {
			return answer{}, err
		}
	}
	out := leftOut{prefixCommunity + g.Room.ID.String(), userID(c.Who.Account)}
	return said("Successfully left the community").of(out), tx.Leave(g.Room.ID, c.Who.Account)
}

// dropKeys takes a user's wrapped keys of all channels of a community.
func dropKeys(tx *relay.Tx, community, who relay.ID) error {
	rooms, err := tx.Children(community, relay.ID{}, maxChildren)
	if err != nil {
		return err
	}
	for _, r := range rooms {
		if _, err := wrappedKeys.Delete(tx, keyID(r.ID, who)); err != nil {
			return err
		}
	}
	return nil
}

type approveIn struct {
	byAdmin
	CommunityID   string            `json:"communityId"`
	UserID        string            `json:"userId"`
	EncryptedKey  string            `json:"encryptedKey"`
	EncryptedKeys map[string]string `json:"encryptedKeys"` // by channel, instead
}

func (in *approveIn) Check() error {
	if err := required("communityId", in.CommunityID, "userId", in.UserID); err != nil {
		return err
	}
	if in.EncryptedKey == "" && len(in.EncryptedKeys) == 0 {
		return missing("encryptedKey")
	}
	if len(in.EncryptedKey) > maxWrapped {
		return bad("encryptedKey")
	}
	return wrapped("encryptedKeys", in.EncryptedKeys)
}

var noRequest = relay.Errorf(relay.NotFound, relay.SubjectNone, "Join request not found")

// asker returns the community and who asked to join it, to an admin.
func asker(tx *relay.Tx, admin relay.ID, community, user string) (group, relay.ID, error) {
	g, err := ruledCommunity(tx, admin, community, "Only admins may decide about join requests")
	if err != nil {
		return g, relay.ID{}, err
	}
	if !g.Private {
		return g, relay.ID{}, refused("The community is public")
	}
	who, err := findUser(tx, user)
	if err != nil {
		return g, relay.ID{}, err
	}
	row, err := tx.Member(g.Room.ID, who.ID)
	if relay.Is(err, relay.NotFound) || err == nil && row.State != relay.StatePending {
		err = noRequest
	}
	return g, who.ID, err
}

// approve lets somebody in who asked, with the key that an admin wrapped for him.
func (a *api) approve(c *wire.Call, tx *relay.Tx, in approveIn) (answer, error) {
	g, who, err := asker(tx, c.Who.Account, in.CommunityID, in.UserID)
	if err != nil {
		return answer{}, err
	}
	m, err := tx.Admit(c.Who.Account, g.Room.ID, who)
	if err != nil {
		return answer{}, err
	}
	err = eachChannel(tx, g, who, func(ch channel) error {
		if !ch.open {
			return nil
		}
		key := cmp.Or(in.EncryptedKeys[prefixChannel+ch.Room.ID.String()], in.EncryptedKey)
		return setKey(tx, ch.Room.ID, who, key)
	})
	out := joinedOut{prefixCommunity + g.Room.ID.String(), userID(who), roleName(m.Role), wire.ISO(m.Joined)}
	return said("Join request approved").of(out), err
}

type rejectIn struct {
	byAdmin
	CommunityID string `json:"communityId"`
	UserID      string `json:"userId"`
}

func (in *rejectIn) Check() error {
	return required("communityId", in.CommunityID, "userId", in.UserID)
}

// reject turns somebody away who asked; he may ask again.
func (a *api) reject(c *wire.Call, tx *relay.Tx, in rejectIn) (answer, error) {
	g, who, err := asker(tx, c.Who.Account, in.CommunityID, in.UserID)
	if err != nil {
		return answer{}, err
	}
	out := leftOut{prefixCommunity + g.Room.ID.String(), userID(who)}
	return said("Join request rejected").of(out), tx.RemoveMember(c.Who.Account, g.Room.ID, who)
}

type requestOut struct {
	UserID      string `json:"userId"`
	Username    string `json:"username"`
	PublicKey   string `json:"publicKey"`
	Status      string `json:"status"`
	RequestedAt string `json:"requestedAt"`
}

// joinRequests lists who asked to join a community, with the keys for which an
// admin wraps its key.
func (a *api) joinRequests(c *wire.Call, tx *relay.Tx, _ wire.None) (answer, error) {
	g, err := ruledCommunity(tx, c.Who.Account, c.Param("communityId"), "Only admins may see join requests")
	if err != nil {
		return answer{}, err
	}
	list := []requestOut{}
	for after := (relay.ID{}); ; {
		waiting, next, err := tx.MembersByState(g.Room.ID, relay.StatePending, after, maxPending)
		if err != nil {
			return answer{}, err
		}
		for _, m := range waiting {
			p, err := profileBy(tx, m.Account)
			if err != nil {
				return answer{}, err
			}
			list = append(list, requestOut{userID(m.Account), p.Username, p.PublicKey, "pending", wire.ISO(m.Joined)})
		}
		if after = next; next.IsZero() {
			return data(list), nil
		}
	}
}
