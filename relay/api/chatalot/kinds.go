package chatalot

import "restante/relay"

// Kinds of messages, which are the message_type on the wire. Entries of other
// families have kinds of their own and are shown as text.
const (
	kindText    = "text"
	kindFile    = "file"
	kindSystem  = "system"
	kindWebhook = "webhook"
)

// Kinds of the rooms of this family, in their settings.
const (
	roomCommunity = "community"
	roomGroup     = "group"
	roomText      = "text"    // a channel
	roomVoice     = "voice"   // a channel
	roomGallery   = "gallery" // a channel
)

// What happened, of the kinds that only this family knows: kinds of events, each
// under the name of the frame that tells of it, with the box it is written to.
// What happens to members and rooms the core tells itself (relay.EventJoined and
// so on), what happens to messages relay.EventEdited and so on. The Extra of an
// event here is a happening.
const (
	tellNewDM        = "chatalot new_dm_channel"               // the other's box: Room
	tellKeysLow      = "chatalot keys_low"                     // the owner's box: Count
	tellProfile      = "chatalot user_profile_updated"         // the account's box and its communities': Account
	tellSenderKey    = "chatalot sender_key_updated"           // the channel's box: Account, Record
	tellRotation     = "chatalot sender_key_rotation_required" // the channel's box: Text is the reason
	tellPollCreated  = "chatalot poll_created"                 // the channel's box: Record
	tellPollVoted    = "chatalot poll_voted"                   // the channel's box: Record, Count is the option, Account unless anonymous
	tellPollUnvoted  = "chatalot poll_vote_removed"            // as above
	tellPollClosed   = "chatalot poll_closed"                  // the channel's box: Record
	tellTimedOut     = "chatalot user_timed_out"               // the channel's box: Account, Until, Text
	tellWarned       = "chatalot user_warned"                  // the channel's box: Account, Count, Text
	tellAnnouncement = "chatalot announcement"                 // the relay's box: Record
	tellSessionEnded = "chatalot session_ended"                // the account's box: Text is the session's id, empty for all
)

// A happening is what an event of this family says: what it is about, never how
// it looks.
type happening struct {
	Room    relay.ID   `cbor:"1,keyasint,omitzero"`
	Account relay.ID   `cbor:"2,keyasint,omitzero"`
	Record  relay.ID   `cbor:"3,keyasint,omitzero"`
	Count   int        `cbor:"4,keyasint,omitempty"`
	Until   relay.Time `cbor:"5,keyasint,omitempty"`
	Text    string     `cbor:"6,keyasint,omitempty"`
}

// tell appends an event of this family's to a box.
func tell(tx *relay.Tx, b relay.BoxID, by relay.ID, kind string, h happening) error {
	_, err := tx.Append(b, relay.Draft{Lane: relay.Events, Kind: kind, From: by, Extra: pack(h)})
	return err
}

// readHappening returns what an event of this family says.
func readHappening(e relay.Entry) (h happening, err error) { return h, unpack(e.Extra, &h) }

// messageExtra is what a message keeps that has no field of its own.
type messageExtra struct {
	SenderKey     relay.ID `cbor:"1,keyasint,omitzero"`
	WebhookName   string   `cbor:"2,keyasint,omitempty"`
	WebhookAvatar string   `cbor:"3,keyasint,omitempty"`
}
