package sama

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// A watched account is one whose coming and going is told.
type watched struct {
	id  relay.ID
	box relay.BoxID
}

// watch has the session told of another account instead of the one before.
func (k *session) watch(w watched) {
	own := k.who.caller.Box
	if old := k.target.box; !old.IsZero() && old != own && old != w.box {
		k.s.Watch().Remove(old)
	}
	if k.target = w; !w.box.IsZero() && w.box != own {
		k.s.Watch().Add(w.box)
	}
}

// seen writes down when somebody was here last.
func seen(tx *relay.Tx, who relay.ID, at relay.Time) error {
	acc, p, err := personOf(tx, who)
	if err != nil {
		return err
	}
	p.Recent = seconds(at)
	return p.store(tx, acc)
}

// activity is how somebody's presence is shown: the marker for being there, or
// when he was here last. Who is blocked by him is shown the latter only.
func (v viewer) activity(tx *relay.Tx, id relay.ID) (any, error) {
	if v.r.Presence().Present(id) && !tx.Blocked(id, v.who) {
		if v.dialect == "sdk" {
			return 0, nil
		}
		return "online", nil
	}
	acc, err := tx.Account(id)
	if err != nil {
		return nil, err
	}
	p, err := called(acc)
	return p.Recent, err
}

type activityOut struct {
	LastActivity map[string]any `json:"last_activity"`
}

func (a *api) lastActivity(c *wire.Call, tx *relay.Tx, in idsIn) (activityOut, error) {
	out := activityOut{map[string]any{}}
	if in.IDs == nil {
		return out, errShape
	}
	ids, err := known(tx, in.IDs[:min(len(in.IDs), 100)])
	for _, id := range ids {
		if err == nil {
			out.LastActivity[shown(id)], err = viewerOf(c).activity(tx, id)
		}
	}
	return out, err
}

// subscribeActivity has the connection told of somebody's coming and going,
// instead of whose it was told of before.
func (a *api) subscribeActivity(c *wire.Call, tx *relay.Tx, in idIn) (after, error) {
	if !in.ID.set {
		return after{}, wrong("User ID missed.")
	}
	acc, err := accountOf(tx, in.ID.v)
	if err != nil {
		return after{}, err
	}
	value, err := viewerOf(c).activity(tx, acc.ID)
	if err != nil {
		return after{}, err
	}
	target := watched{acc.ID, acc.Box}
	if tx.Blocked(acc.ID, c.Who.Account) {
		target = watched{}
	}
	sessionOf(c).watch(target)
	return after{out: activityOut{map[string]any{shown(acc.ID): value}}}, nil
}

func (a *api) unsubscribeActivity(c *wire.Call, tx *relay.Tx, _ wire.None) (success, error) {
	sessionOf(c).watch(watched{})
	return yes, nil
}
