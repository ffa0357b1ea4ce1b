package jetico

import (
	"cmp"
	"net/http"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// A portrait is whose avatar a path names: a conversation's or a user's.
type portrait struct {
	conversation string // "" for a user's
	user         string
}

// portraitOf reads "conversation_{uuid}" or "user_{userId}".
func portraitOf(c *wire.Call) (p portrait, err error) {
	segment := c.Param("whose")
	if uuid, ok := conversationOf(segment); ok {
		return portrait{conversation: uuid}, nil
	}
	id, ok := strings.CutPrefix(segment, "user_")
	if !ok {
		return p, errNoConversation
	}
	p.user = strings.ReplaceAll(id, "_", "/")
	if someone("", &p.user) != nil {
		return p, errNoUser
	}
	return p, nil
}

// getAvatar sends an avatar: a conversation's to its people, a user's to
// everybody.
func (a *api) getAvatar(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	p, err := portraitOf(c)
	if err != nil {
		return err
	}
	var blob relay.ID
	err = c.Service.Relay.View(c.Context(), func(tx *relay.Tx) error {
		blob = relay.ID{}
		if p.conversation != "" {
			cv, err := findConv(tx, c.Who.Account, p.conversation)
			if err == nil {
				blob = cv.set.Avatar
			}
			return err
		}
		acc, err := findUser(tx, p.user)
		if err != nil {
			return err
		}
		mine, err := profileOf(acc)
		blob = mine.Avatar
		return err
	})
	if err == nil && blob.IsZero() {
		err = errNoFile
	}
	if err != nil {
		return err
	}
	return a.send(c, w, r, blob)
}

type avatarOut struct {
	AvatarUpdated int64 `json:"avatarUpdated"`
}

// putAvatar replaces an avatar.
func (a *api) putAvatar(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	p, err := portraitOf(c)
	if err == nil {
		err = fits(r, a.o.MaxAvatar)
	}
	if err != nil {
		return err
	}
	draft := relay.BlobDraft{Owner: c.Who.Account, Family: family, Type: opaque, MaxSize: r.ContentLength, Quota: a.o.FileQuota}
	err = c.Service.Relay.View(c.Context(), func(tx *relay.Tx) error {
		draft.Rule, err = a.mayPortray(c, tx, p)
		return err
	})
	if err != nil {
		return err
	}
	var at relay.Time
	_, err = c.Service.Relay.PutBlob(c.Context(), draft, wire.Limit(r.Body, r.ContentLength), func(tx *relay.Tx, b relay.Blob) (err error) {
		at, err = a.portray(c, tx, p, b.ID)
		return err
	})
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, avatarOut{int64(at)})
	return nil
}

// deleteAvatar removes an avatar; where there is none, nothing happens.
func (a *api) deleteAvatar(c *wire.Call, w http.ResponseWriter, _ *http.Request) error {
	p, err := portraitOf(c)
	if err != nil {
		return err
	}
	var at relay.Time
	err = c.Update(func(tx *relay.Tx) (err error) {
		at, err = a.portray(c, tx, p, relay.ID{})
		return err
	})
	if err != nil {
		return err
	}
	respond(w, http.StatusOK, avatarOut{int64(at)})
	return nil
}

// mayPortray fails unless the caller may change an avatar, and says who may
// open it.
func (a *api) mayPortray(c *wire.Call, tx *relay.Tx, p portrait) (relay.Rule, error) {
	if p.conversation != "" {
		cv, err := findConv(tx, c.Who.Account, p.conversation)
		if err == nil {
			err = cv.rule()
		}
		if err != nil {
			return relay.Rule{}, err
		}
		return relay.Rule{Kind: relay.OpenToMembers, Room: cv.Room.ID}, nil
	}
	me, err := userIDOf(tx, c.Who.Account)
	if err == nil && me != p.user {
		err = errAccess
	}
	return relay.Rule{Kind: relay.OpenToAccounts}, err
}

// portray puts a blob, or none, in the place of an avatar.
func (a *api) portray(c *wire.Call, tx *relay.Tx, p portrait, blob relay.ID) (at relay.Time, err error) {
	if _, err := a.mayPortray(c, tx, p); err != nil {
		return 0, err
	}
	me := c.Who.Account
	if p.conversation == "" {
		acc, err := tx.Account(me)
		if err != nil {
			return 0, err
		}
		mine, err := profileOf(acc)
		if err != nil {
			return 0, err
		}
		if blob == mine.Avatar { // there was none, and there is none
			return cmp.Or(mine.AvatarUpdated, acc.Created), nil
		}
		at = tx.Wall()
		if err := dropAvatar(tx, mine.Avatar); err != nil {
			return 0, err
		}
		return at, changeProfile(tx, acc, func(p *profile) { p.Avatar, p.AvatarUpdated = blob, at })
	}
	cv, err := findConv(tx, me, p.conversation)
	if err != nil {
		return 0, err
	}
	if blob == cv.set.Avatar {
		return cmp.Or(cv.set.AvatarUpdated, cv.Room.Created), nil
	}
	if err := dropAvatar(tx, cv.set.Avatar); err != nil {
		return 0, err
	}
	cv.set.Avatar, cv.set.AvatarUpdated = blob, tx.Wall()
	if err := cv.change(tx, me, noteAvatar); err != nil {
		return 0, err
	}
	return cv.set.AvatarUpdated, a.notify(tx, cv, me, relay.NoticePicture, relay.ID{})
}

func dropAvatar(tx *relay.Tx, blob relay.ID) error {
	if blob.IsZero() {
		return nil
	}
	return unless(tx.RemoveBlob(blob), relay.NotFound)
}
