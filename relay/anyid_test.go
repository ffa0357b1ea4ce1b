package relay_test

import (
	"encoding/base64"
	"encoding/hex"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

func TestFindAccountAndRoom(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	who := people(t, r, 2)
	a, in := who[0], room(t, r, relay.RoomDraft{}, who[0])
	var open relay.Room
	var signed string
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		b, err := tx.SignedID(a)
		if err != nil {
			return err
		}
		signed = base64.StdEncoding.EncodeToString(b[:])
		open, err = tx.OpenFor(a, "test")
		return err
	})
	uuid := func(id relay.ID) string {
		s := id.String()
		return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
	}
	twisted := []byte(signed)
	twisted[30] ^= 1
	relaytest.View(t, r, func(tx *relay.Tx) error {
		for _, s := range []string{a.String(), uuid(a), a.String()[:24], "user_" + a.String(), signed} {
			if got, err := tx.FindAccount(s); err != nil || got.ID != a {
				t.Errorf("%q: %v, %v", s, got.ID, err)
			}
		}
		for _, s := range []string{"", "x", a.String()[:23], a.String() + "0", string(twisted), in.ID.String(), "_" + a.String(), hex.EncodeToString(make([]byte, 12))} {
			_, err := tx.FindAccount(s)
			wantCode(t, s, err, relay.NotFound, relay.SubjectAccount)
		}
		for _, s := range []string{in.ID.String(), uuid(in.ID), in.ID.String()[:24], "group_" + in.ID.String(), open.ID.String(), uuid(open.ID)} {
			if _, err := tx.FindRoom(a, s); err != nil {
				t.Errorf("%q: %v", s, err)
			}
		}
		for _, s := range []string{open.ID.String()[:24], a.String(), ""} {
			_, err := tx.FindRoom(a, s)
			wantCode(t, s, err, relay.NotFound, relay.SubjectRoom)
		}
		_, err := tx.FindRoom(who[1], in.ID.String())
		wantCode(t, "somebody else's room", err, relay.NotFound, relay.SubjectRoom)
		return nil
	})
}
