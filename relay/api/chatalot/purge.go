package chatalot

import (
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// purgeOps are the rows of purges.
func (a *api) purgeOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/admin/purge/message/:id", wire.User, wire.Write(a.purgeMessage), "erase a message for good"),
		wire.Row("POST /api/admin/purge/user/:id/messages", wire.User, wire.Free(a.purgeUser), "erase all that a user has sent: messages and files"),
		wire.Row("POST /api/admin/purge/channel/:id", wire.User, wire.Free(a.purgeChannel), "erase all messages and files of a channel"),
	}
}

// purgeOut is a PurgeResult.
type purgeOut struct {
	Messages int `json:"messages_deleted"`
	Files    int `json:"files_deleted"`
	Hashes   int `json:"hashes_blocked"`
}

// roomOf returns the room of a message, if it is one of this family's: what
// administrators here may do ends at its edge. NotFound: message not found.
func roomOf(tx *relay.Tx, id relay.EntryID) (relay.Room, error) {
	box, err := tx.Box(id.Box)
	if err == nil && box.Owner.Kind != relay.OwnerRoom {
		return relay.Room{}, noMessage()
	}
	var r relay.Room
	if err == nil {
		r, err = tx.Room(box.Owner.ID)
	}
	if relay.Is(err, relay.NotFound) || err == nil && r.Family != family {
		return relay.Room{}, noMessage()
	}
	return r, err
}

// tellErased tells a box that messages of it are gone.
func tellErased(tx *relay.Tx, by relay.ID, ids []relay.EntryID) error {
	for len(ids) > 0 {
		box, n := ids[0].Box, 0
		var ev relay.EntryEvent
		for n < len(ids) && ids[n].Box == box && n < relay.MaxTold {
			ev.Entries = append(ev.Entries, ids[n].Time)
			n++
		}
		if _, err := tx.TellEntries(box, relay.EventErased, by, ev); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// purgeMessage erases one message. Which file it speaks of nobody here can know.
func (a *api) purgeMessage(c *wire.Call, tx *relay.Tx, _ wire.None) (purgeOut, error) {
	id, err := pathMessage(c, "id")
	if err == nil {
		err = administers(c, tx)
	}
	var room relay.Room
	if err == nil {
		room, err = roomOf(tx, id)
	}
	if err != nil {
		return purgeOut{}, err
	}
	found, err := tx.EraseIf(id)
	if err == nil && !found {
		err = noMessage()
	}
	if err == nil {
		err = tellErased(tx, c.Who.Account, []relay.EntryID{id})
	}
	if err != nil {
		return purgeOut{}, err
	}
	meta := map[string]any{"message_id": messageID(id), "channel_id": uuid(room.ID)}
	return purgeOut{Messages: 1}, a.audit(c, tx, c.Who.Account, "admin_purge_message", meta)
}

// A purging is a purge of many messages and files, on its way: in steps, which a
// timer goes on with if whoever waits for it is gone, or the relay was.
type purging struct {
	Erasing relay.Erasing `cbor:"1,keyasint"`
	Erased  bool          `cbor:"2,keyasint,omitempty"` // all messages are
	Index   string        `cbor:"3,keyasint"`           // of files: "owner" or "channel"
	Of      relay.ID      `cbor:"4,keyasint"`           // whose, or of which channel
	Block   bool          `cbor:"5,keyasint,omitempty"` // nobody may upload the files again
	Audit   auditRow      `cbor:"6,keyasint"`
	Told    int           `cbor:"7,keyasint,omitempty"`
	Done    [3]int        `cbor:"8,keyasint,omitzero"` // messages, files, hashes
	Timer   relay.TimerID `cbor:"9,keyasint,omitzero"` // goes on with it
}

// Sizes of one step, which holds the writer up for some milliseconds.
const (
	purgeMessages = 250
	purgeFiles    = 50
	purgeTold     = 500 // messages that a purge tells of; of the rest clients learn when they look again
	purgeResumes  = time.Minute
	purgeReason   = "auto-blocked via admin purge"
)

var goOnPurging relay.Verb

func init() {
	goOnPurging = relay.NewVerb("chatalot purge", func(tx *relay.Tx, arg []byte) error {
		var p purging
		if err := unpack(arg, &p); err != nil {
			return err
		}
		_, err := p.step(tx, 0)
		return err
	})
}

// step does some of it and reports whether there is more, which a timer does
// after a while unless another step comes first.
func (p *purging) step(tx *relay.Tx, after time.Duration) (more bool, err error) {
	tx.CancelTimer(p.Timer)
	p.Timer = relay.TimerID{}
	if !p.Erased {
		err = p.eraseSome(tx)
		more = true
	} else {
		more, err = p.removeFiles(tx)
	}
	if err != nil {
		return false, err
	}
	if !more {
		return false, p.write(tx)
	}
	p.Timer, err = goOnPurging.At(tx, tx.Wall().Add(after), pack(p))
	return true, err
}

func (p *purging) eraseSome(tx *relay.Tx) error {
	gone, left, err := tx.EraseSome(&p.Erasing, purgeMessages, ours)
	if err != nil {
		return err
	}
	p.Erased = !left
	p.Done[0] += len(gone)
	told := gone[:min(len(gone), purgeTold-p.Told)]
	p.Told += len(told)
	return tellErased(tx, p.Audit.Who, told)
}

// ours lets a purge into the boxes of this family's rooms.
func ours(tx *relay.Tx, b relay.Box) (bool, error) {
	if b.Owner.Kind != relay.OwnerRoom {
		return false, nil
	}
	r, err := tx.Room(b.Owner.ID)
	if relay.Is(err, relay.NotFound) {
		return false, nil // closing
	}
	return r.Family == family, err
}

func (p *purging) removeFiles(tx *relay.Tx) (more bool, err error) {
	rows, err := listAll(tx, fileRows, p.Index, relay.Span{Prefix: p.Of[:]}, purgeFiles)
	for _, f := range rows {
		if err := removeFile(tx, f.ID); err != nil {
			return false, err
		}
		p.Done[1]++
		if !p.Block {
			continue
		}
		if known, err := hashBlocked(tx, f.Record.Checksum); err != nil || known {
			if err != nil {
				return false, err
			}
			continue
		}
		if _, _, err := blockSum(tx, p.Audit.Who, f.Record.Checksum, purgeReason); err != nil {
			return false, err
		}
		p.Done[2]++
	}
	return len(rows) == purgeFiles, err
}

// write notes in the audit log what came of it.
func (p *purging) write(tx *relay.Tx) error {
	target := map[string]string{"owner": "target_user_id", "channel": "channel_id"}[p.Index]
	return p.Audit.write(tx, map[string]any{
		target: uuid(p.Of), "messages_deleted": p.Done[0], "files_deleted": p.Done[1], "hashes_blocked": p.Done[2], "block_hashes": p.Block,
	})
}

// run does all of it, and answers when it is done. Should the caller not wait so
// long, it is done all the same. begin looks, in the first transaction, whether
// it may be done.
func (p purging) run(c *wire.Call, begin func(*relay.Tx) error) (purgeOut, error) {
	for more := true; more; {
		next := p
		err := c.Update(func(tx *relay.Tx) (err error) {
			next = p
			if begin != nil {
				if err := begin(tx); err != nil {
					return err
				}
			}
			more, err = next.step(tx, purgeResumes)
			return err
		})
		if err != nil {
			return purgeOut{}, err
		}
		p, begin = next, nil
	}
	return purgeOut{p.Done[0], p.Done[1], p.Done[2]}, nil
}

func (a *api) purgeUser(c *wire.Call, _ *relay.Relay, _ wire.None) (purgeOut, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return purgeOut{}, err
	}
	p := purging{Erasing: relay.Erasing{From: id}, Index: "owner", Of: id, Block: queryFlag(c, "block_hashes")}
	p.Audit = a.auditBy(c, c.Who.Account, "admin_purge_user_messages")
	return p.run(c, func(tx *relay.Tx) error {
		if err := administers(c, tx); err != nil {
			return err
		}
		acc, err := tx.Stub(id) // what somebody left behind who is gone can be purged, too
		if relay.Is(err, relay.NotFound) || err == nil && acc.Family != family {
			err = noUser()
		}
		return err
	})
}

func (a *api) purgeChannel(c *wire.Call, r *relay.Relay, _ wire.None) (purgeOut, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return purgeOut{}, err
	}
	var room relay.Room
	may := func(tx *relay.Tx) (err error) {
		if err := administers(c, tx); err != nil {
			return err
		}
		if room, err = tx.Room(id); relay.Is(err, relay.NotFound) {
			return noChannel()
		}
		set, err2 := settingsOf(room)
		if err := firstError(err, err2); err != nil {
			return err
		}
		if room.Family != family || set.Kind == roomCommunity || set.Kind == roomGroup {
			return noChannel()
		}
		return nil
	}
	if err := r.View(c.Context(), may); err != nil {
		return purgeOut{}, err
	}
	p := purging{Erasing: relay.Erasing{Only: room.Box}, Index: "channel", Of: id, Block: queryFlag(c, "block_hashes")}
	p.Audit = a.auditBy(c, c.Who.Account, "admin_purge_channel")
	return p.run(c, may)
}
