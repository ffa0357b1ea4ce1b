package dishis

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// signalTyping is every family's signal that somebody types in a room. Data is a
// JSON object, or empty; its status is "stop" when he does no more.
const signalTyping = "typing"

// signalPresence is every family's signal of who comes and goes; Data is the
// status.
const signalPresence = "presence"

type typingSignal struct {
	Status string `json:"status"`
}

func typingData(typing bool) []byte {
	if typing {
		return wire.MustEncode(typingSignal{"start"})
	}
	return wire.MustEncode(typingSignal{"stop"})
}

// isTyping reads the signal of any family.
func isTyping(data []byte) bool {
	var s typingSignal
	return len(data) == 0 || wire.Decode(data, &s) != nil || s.Status != "stop"
}

// eventRequest tells the admins of a community, each in his own box, that
// somebody asks to be let in.
const eventRequest = "dishis join request"

type joinRequest struct {
	Room    relay.ID `json:"r"`
	Account relay.ID `json:"a"`
}

func tellRequest(tx *relay.Tx, admin, room, who relay.ID) error {
	a, err := tx.Account(admin)
	if relay.Is(err, relay.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = tx.Append(a.Box, relay.Draft{
		Lane: relay.Events, Kind: eventRequest, From: who, Extra: wire.MustEncode(joinRequest{room, who}),
	})
	return err
}
