package chatalot

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"restante/relay"
	"restante/relay/api/wire"
)

// A telling is one pass: what the session hears of what has happened. Each event
// is rendered from what is true now, or left out.
type telling struct {
	x      *conn
	frames [][]byte
	shown  map[relay.ID]bool // whose profile was told in this pass already
	left   bool              // the account has left a room
	ended  bool              // the session has
	silent []relay.ID        // rooms whose calls the user is out of
}

// Pass sends what has happened since the last one.
func (x *conn) Pass() (more bool) {
	if x.feed == nil {
		return false
	}
	t := &telling{x: x, shown: map[relay.ID]bool{}}
	more, err := x.feed.Pass(x.s.Context(), x.s.Short, t.tell)
	x.signals(x.feed.Signals()) // before what they announced: who has written does not write any more
	for _, f := range t.frames {
		x.s.Send(f)
	}
	if err != nil {
		x.lost(err)
		return false
	}
	if t.left {
		x.leftRooms(t.silent)
	}
	if t.ended || x.feed.Gone() {
		x.s.End(wire.Ending{Say: newErrorFrame("unauthorized", "this session has ended"), Code: closedPolicy, Reason: "unauthorized"})
	}
	return more
}

// lost ends a session that cannot go on: it would miss something.
func (x *conn) lost(err error) {
	if x.s.Context().Err() == nil {
		x.svc.Log.Error().Err(err).Msg("a session could not be told")
		x.s.End(ending("out_of_sync", "reconnect"))
	}
}

// leftRooms forgets the channels that the user is not in any more, and takes him
// out of their calls.
func (x *conn) leftRooms(silent []relay.ID) {
	for box := range x.subscribed {
		if !x.feed.Watches(box) {
			delete(x.subscribed, box)
		}
	}
	for _, room := range silent {
		x.a.outOfVoice(x.svc.Relay, room, x.who.Account, 0)
	}
}

func (t *telling) add(frame any) { t.frames = append(t.frames, wire.MustEncode(frame)) }

// tell renders one entry.
func (t *telling) tell(tx *relay.Tx, e relay.Told) error {
	if t.ended {
		return nil // it hears nothing more
	}
	var err error
	switch e.Owner.Kind {
	case relay.OwnerAccount:
		err = t.account(tx, e.Entry)
	case relay.OwnerRelay:
		err = t.everybody(tx, e.Entry)
	case relay.OwnerRoom:
		err = t.room(tx, e.Owner.ID, e.Entry)
	}
	return gonePast(err)
}

// gonePast makes nothing of what is not there any more.
func gonePast(err error) error {
	if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
		return nil
	}
	return err
}

// account renders what concerns the account.
func (t *telling) account(tx *relay.Tx, e relay.Entry) error {
	switch e.Kind {
	case relay.EventJoined:
		return t.joined(tx, e)
	case relay.EventLeft, relay.EventRemoved, relay.EventBanned:
		return t.leaves(tx)
	case relay.EventClosed:
		ev, err := relay.ReadMemberEvent(e)
		if err != nil {
			return err
		}
		t.closed(ev)
		return t.leaves(tx)
	}
	h, err := readHappening(e)
	if err != nil {
		return nil // not one of ours
	}
	switch e.Kind {
	case tellSessionEnded:
		t.ended = h.Text == "" || h.Text == t.x.who.Device
	case tellKeysLow:
		t.add(keysLow(h.Count))
	case tellProfile:
		return t.profile(tx, h.Account)
	case tellNewDM:
		return t.newDM(tx, h.Room, e.From)
	}
	return nil
}

// joined tells of a direct room with somebody of another family, as soon as
// there is one: his family says nothing more of it before the first message.
func (t *telling) joined(tx *relay.Tx, e relay.Entry) error {
	ev, err := relay.ReadMemberEvent(e)
	if err != nil {
		return err
	}
	r, err := tx.Room(ev.Room)
	if err != nil || !r.Direct {
		return err
	}
	other := r.Pair[0]
	if other == t.x.who.Account {
		other = r.Pair[1]
	}
	acc, err := tx.Stub(other)
	if err != nil || acc.Family == family {
		return err
	}
	return t.newDM(tx, ev.Room, other)
}

// closed tells that a room is no more. What closes with the community above it
// has no note, and is a group: channels are not told of one by one then.
func (t *telling) closed(ev relay.MemberEvent) {
	switch string(ev.Note) {
	case roomGroup, "":
		t.add(map[string]any{"type": "group_deleted", "group_id": uuid(ev.Room)})
	case roomCommunity: // there is no frame for it
	default:
		t.add(map[string]any{"type": "channel_deleted", "channel_id": uuid(ev.Room)})
	}
}

// leaves notes that the account has left a room, and in which calls it can be no
// more.
func (t *telling) leaves(tx *relay.Tx) error {
	t.left = true
	for room := range t.x.a.calls.stays(t.x.who.Account) {
		_, err := tx.Access(t.x.who.Account, room)
		if relay.Is(err, relay.NotFound) || relay.Is(err, relay.Forbidden) {
			t.silent = append(t.silent, room)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// everybody renders what concerns everybody.
func (t *telling) everybody(tx *relay.Tx, e relay.Entry) error {
	if e.Kind != tellAnnouncement {
		return nil
	}
	h, err := readHappening(e)
	if err != nil {
		return err
	}
	n, found, err := announcements.Get(tx, h.Record)
	if err != nil || !found {
		return err
	}
	out, err := newAnnouncement(tx, h.Record, n)
	if err == nil {
		t.add(struct {
			Type string `json:"type"`
			announcementOut
		}{"announcement", out})
	}
	return err
}

// room renders what happened in a room: in a community to those who are in it,
// in a channel to those who asked for it. New direct messages reach everybody.
func (t *telling) room(tx *relay.Tx, id relay.ID, e relay.Entry) error {
	r, err := tx.Room(id)
	if err != nil {
		return err
	}
	set, err := settingsOf(r)
	if err != nil {
		return err
	}
	switch {
	case set.Kind == roomCommunity:
		return t.above(tx, r, set, e, communityUpdated)
	case set.Kind == roomGroup:
		return t.above(tx, r, set, e, groupUpdated)
	}
	_, asked := t.x.subscribed[r.Box]
	switch {
	case e.Lane == relay.Messages && (asked || r.Direct):
		return t.message(tx, r, e)
	case e.Lane == relay.Events && asked:
		return t.channel(tx, r, set, e)
	}
	return nil
}

// above renders what happened in a community or a group.
func (t *telling) above(tx *relay.Tx, r relay.Room, set roomSettings, e relay.Entry, updated func(relay.Room, roomSettings) any) error {
	switch e.Kind {
	case relay.EventChanged:
		t.add(updated(r, set))
	case relay.EventClosed: // a channel below
		ev, err := relay.ReadMemberEvent(e)
		if err != nil {
			return err
		}
		t.closed(ev)
		return t.leaves(tx)
	case tellProfile:
		h, err := readHappening(e)
		if err != nil {
			return err
		}
		return t.profile(tx, h.Account)
	}
	return nil
}

type profileFrame struct {
	Type            string   `json:"type"`
	UserID          uuid     `json:"user_id"`
	DisplayName     string   `json:"display_name"`
	AvatarURL       nullable `json:"avatar_url"`
	BannerURL       nullable `json:"banner_url"`
	VoiceBackground nullable `json:"voice_background_url"`
	CustomStatus    nullable `json:"custom_status"`
	Bio             nullable `json:"bio"`
	Pronouns        nullable `json:"pronouns"`
}

// profile tells what somebody is like now, once however many communities one
// shares with him.
func (t *telling) profile(tx *relay.Tx, who relay.ID) error {
	if t.shown[who] {
		return nil
	}
	t.shown[who] = true
	_, p, err := account(tx, who)
	if err == nil {
		t.add(profileFrame{"user_profile_updated", uuid(who), p.DisplayName, nullable(p.AvatarURL), nullable(p.BannerURL),
			nullable(p.VoiceBackground), nullable(p.CustomStatus), nullable(p.Bio), nullable(p.Pronouns)})
	}
	return err
}

type newDMFrame struct {
	Type        string   `json:"type"`
	ChannelID   uuid     `json:"channel_id"`
	ChannelName nullable `json:"channel_name"`
	CreatedAt   moment   `json:"created_at"`
	OtherID     uuid     `json:"other_user_id"`
	OtherName   string   `json:"other_user_username"`
	OtherShown  nullable `json:"other_user_display_name"`
	OtherAvatar nullable `json:"other_user_avatar_url"`
}

func (t *telling) newDM(tx *relay.Tx, room, from relay.ID) error {
	r, err := tx.Room(room)
	if err != nil {
		return err
	}
	_, p, err := stub(tx, from)
	if err == nil {
		t.add(newDMFrame{"new_dm_channel", uuid(room), "", moment(r.Created), uuid(from), p.Username,
			nullable(p.DisplayName), nullable(p.AvatarURL)})
	}
	return err
}

func communityUpdated(r relay.Room, set roomSettings) any {
	return struct {
		Type        string         `json:"type"`
		CommunityID uuid           `json:"community_id"`
		Name        string         `json:"name"`
		Description nullable       `json:"description"`
		IconURL     nullable       `json:"icon_url"`
		BannerURL   nullable       `json:"banner_url"`
		Theme       jsontext.Value `json:"community_theme"`
		Welcome     nullable       `json:"welcome_message"`
	}{"community_updated", uuid(r.ID), set.Name, nullable(set.Description), nullable(set.Icon), nullable(set.Banner),
		jsonOrNull(set.Theme), nullable(set.Welcome)}
}

func jsonOrNull(b []byte) jsontext.Value {
	if len(b) == 0 {
		return jsontext.Value("null")
	}
	return b
}

func groupUpdated(r relay.Room, set roomSettings) any {
	visibility := "public"
	if set.Private {
		visibility = "private"
	}
	return struct {
		Type        string   `json:"type"`
		GroupID     uuid     `json:"group_id"`
		Name        string   `json:"name"`
		Description nullable `json:"description"`
		IconURL     nullable `json:"icon_url"`
		BannerURL   nullable `json:"banner_url"`
		Accent      nullable `json:"accent_color"`
		Visibility  string   `json:"visibility"`
	}{"group_updated", uuid(r.ID), set.Name, nullable(set.Description), nullable(set.Icon), nullable(set.Banner), nullable(set.Accent), visibility}
}

// signals sends what came by the bell itself. Of somebody's coming and going
// only the last counts.
func (x *conn) signals(got []relay.Signal) {
	last := map[relay.ID]int{}
	for i, s := range got {
		if s.Kind == signalPresence {
			last[s.From] = i
		}
	}
	for i, s := range got {
		_, asked := x.subscribed[s.Box]
		switch s.Kind {
		case signalFrame:
			if asked || s.Box == x.who.Box {
				x.s.SendSignal(s.Data)
			}
		case signalTyping:
			if asked && s.From != x.who.Account {
				x.s.SendSignal(typingFrame(x.subscribed[s.Box], s))
			}
		case signalPresence:
			if last[s.From] == i {
				x.presence(s.From, shownStatus(s.Data))
			}
		}
	}
}

// presence tells how somebody is here, once: it is rung in every community that
// one shares with him.
func (x *conn) presence(who relay.ID, status string) {
	if who == x.who.Account || x.seen[who] == status {
		return
	}
	if len(x.seen) >= maxMates {
		clear(x.seen) // telling it twice does no harm
	}
	x.seen[who] = status
	x.s.SendSignal(wire.MustEncode(presenceFrame{"presence_update", uuid(who), status}))
}

type presenceFrame struct {
	Type   string `json:"type"`
	UserID uuid   `json:"user_id"`
	Status string `json:"status"`
}

// shownStatus is a status of any family as this one has it.
func shownStatus(data []byte) string {
	switch s := string(data); s {
	case statusOnline, statusIdle, statusDND, statusOffline:
		return s
	}
	return statusOnline
}

type typingOut struct {
	Type      string `json:"type"`
	ChannelID uuid   `json:"channel_id"`
	UserID    uuid   `json:"user_id"`
}

func typingFrame(room relay.ID, s relay.Signal) []byte {
	out := typingOut{"user_typing", uuid(room), uuid(s.From)}
	var said typingSignal
	if len(s.Data) > 0 && json.Unmarshal(s.Data, &said) == nil && said.Status == "stop" {
		out.Type = "user_stopped_typing"
	}
	return wire.MustEncode(out)
}
