package chatalot

import "restante/relay/api/wire"

// totpOps are the rows of the second factor.
func (a *api) totpOps() []wire.Op { return nil }
