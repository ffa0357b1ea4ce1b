package chatalot

import "restante/relay/api/wire"

// channelMemberOps are the rows of who is in a channel.
func (a *api) channelMemberOps() []wire.Op { return nil }
