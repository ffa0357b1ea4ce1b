package chatalot

import "restante/relay/api/wire"

// adminUserOps are the rows of the administration of users.
func (a *api) adminUserOps() []wire.Op { return nil }
