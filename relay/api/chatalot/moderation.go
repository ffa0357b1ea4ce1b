package chatalot

import "restante/relay/api/wire"

// moderationOps are the rows of timeouts and warnings.
func (a *api) moderationOps() []wire.Op { return nil }
