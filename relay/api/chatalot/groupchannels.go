package chatalot

import "restante/relay/api/wire"

// groupChannelOps are the rows of the channels of a group.
func (a *api) groupChannelOps() []wire.Op { return nil }
