package chatalot

import "restante/relay/api/wire"

// purgeOps are the rows of purges.
func (a *api) purgeOps() []wire.Op { return nil }
