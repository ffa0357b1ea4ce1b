package jetico

import (
	"cmp"

	"restante/relay"
	"restante/relay/api/wire"
)

// A Theme is how an operator wants clients to look: colours as #rrggbb, and the
// addresses of a picture and a sound.
type Theme struct {
	ButtonBackground             string `json:"buttonBackground"`
	ButtonText                   string `json:"buttonText"`
	YourMessageBubbleBackground  string `json:"yourMessageBubbleBackground"`
	YourMessageBubbleText        string `json:"yourMessageBubbleText"`
	TheirMessageBubbleBackground string `json:"theirMessageBubbleBackground"`
	TheirMessageBubbleText       string `json:"theirMessageBubbleText"`
	Logo                         string `json:"logo"`
	Sound                        string `json:"sound"`
}

func (t Theme) withDefaults() Theme {
	t.ButtonBackground = cmp.Or(t.ButtonBackground, "#2e7d32")
	t.ButtonText = cmp.Or(t.ButtonText, "#ffffff")
	t.YourMessageBubbleBackground = cmp.Or(t.YourMessageBubbleBackground, "#c9c9f2")
	t.YourMessageBubbleText = cmp.Or(t.YourMessageBubbleText, "#000000")
	t.TheirMessageBubbleBackground = cmp.Or(t.TheirMessageBubbleBackground, "#ffffff")
	t.TheirMessageBubbleText = cmp.Or(t.TheirMessageBubbleText, "#000000")
	return t
}

type pingIn struct {
	ClientVersion *string  `json:"clientVersion"`
	When          *float64 `json:"when"`
}

type pongOut struct {
	ServerVersion string `json:"serverVersion"`
	AndroidURL    string `json:"androidUrl"`
}

func (pongOut) reply() string { return "ResponsePong" }

// ping answers anybody, and changes nothing.
func (a *api) ping(*wire.Call, *relay.Relay, pingIn) (pongOut, error) {
	return pongOut{a.o.ServerVersion, a.o.AndroidURL}, nil
}

type settingsOut struct {
	SupportID  string `json:"supportId"`
	AdminID    string `json:"adminId"`
	BigBrother bool   `json:"bigBrother"`
	Theme      Theme  `json:"theme"`
}

func (settingsOut) reply() string { return "ResponseServerSettings" }

// getServerSettings says what the operator configured. Nobody here reads along,
// and nobody may ask for another's conversations.
func (a *api) getServerSettings(*wire.Call, *relay.Relay, wire.None) (settingsOut, error) {
	return settingsOut{a.o.SupportID, a.o.AdminID, false, a.o.Theme}, nil
}
