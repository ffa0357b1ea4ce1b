package chatalot

import "restante/relay/api/wire"

// pinOps are the rows of pinned messages.
func (a *api) pinOps() []wire.Op { return nil }
