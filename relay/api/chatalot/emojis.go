package chatalot

import "restante/relay/api/wire"

// emojiOps are the rows of a community's emoji.
func (a *api) emojiOps() []wire.Op { return nil }
