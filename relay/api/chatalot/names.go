package chatalot

import (
	"cmp"

	"restante/relay"
)

// How other families call people and rooms of this one.
func init() {
	relay.DeclareNames(family, relay.Names{
		Account: func(a relay.Account) string {
			var p profile
			if unpack(a.Profile, &p) != nil {
				return ""
			}
			return cmp.Or(p.DisplayName, p.Username)
		},
		Room: func(r relay.Room) string {
			set, err := settingsOf(r)
			if err != nil {
				return ""
			}
			return set.Name
		},
	})
}
