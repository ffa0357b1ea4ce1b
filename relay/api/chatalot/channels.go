package chatalot

import "restante/relay/api/wire"

// channelOps are the rows of channels.
func (a *api) channelOps() []wire.Op { return nil }
