package chatalot

import "restante/relay/api/wire"

// communityMemberOps are the rows of who is in a community, and who may not be.
func (a *api) communityMemberOps() []wire.Op { return nil }
