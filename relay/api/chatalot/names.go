package chatalot

import "restante/relay"

// Where another family shows our people and rooms, they are called as here.
func init() {
	relay.DeclareNames(family, relay.Names{
		Account: func(a relay.Account) string {
			var p profile
			if unpack(a.Profile, &p) != nil {
				return ""
			}
			return or(p.DisplayName, p.Username)
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
