package chatalot

import "restante/relay/api/wire"

// groupOps are the rows of groups and the invites to them.
func (a *api) groupOps() []wire.Op { return nil }
