package chatalot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// quarantineOps are the rows of the quarantine of messages.
func (a *api) quarantineOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/admin/messages/:id/quarantine", wire.User, wire.Write(a.quarantine), "hide a message from everybody"),
		wire.Row("POST /api/admin/messages/:id/unquarantine", wire.User, wire.Write(a.unquarantine), "show it again"),
	}
}

// quarantine hides a message, from its sender too, and tells clients that it is
// deleted.
func (a *api) quarantine(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	id, err := a.withhold(c, tx, true, "admin_quarantine_message")
	if err == nil {
		err = tellErased(tx, c.Who.Account, []relay.EntryID{id})
	}
	return wire.None{}, err
}

// unquarantine shows it again; clients see it when they look again.
func (a *api) unquarantine(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	_, err := a.withhold(c, tx, false, "admin_unquarantine_message")
	return wire.None{}, err
}

// withhold changes whether a message is shown; one that is as it should be is
// not found.
func (a *api) withhold(c *wire.Call, tx *relay.Tx, hidden bool, action string) (relay.EntryID, error) {
	id, err := pathMessage(c, "id")
	if err == nil {
		err = administers(c, tx)
	}
	var room relay.Room
	if err == nil {
		room, err = roomOf(tx, id)
	}
	if err != nil {
		return id, err
	}
	changed, err := tx.Withhold(id, hidden)
	if relay.Is(err, relay.NotFound) || err == nil && !changed {
		err = noMessage()
	}
	if err != nil {
		return id, err
	}
	meta := map[string]any{"message_id": messageID(id), "channel_id": uuid(room.ID)}
	return id, a.audit(c, tx, c.Who.Account, action, meta)
}
