package chatalot

import "restante/relay/api/wire"

// adminInviteOps are the rows of invites to register.
func (a *api) adminInviteOps() []wire.Op { return nil }
