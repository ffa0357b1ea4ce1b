package chatalot

import "restante/relay/api/wire"

// communityOps are the rows of communities and the invites to them.
func (a *api) communityOps() []wire.Op { return nil }
