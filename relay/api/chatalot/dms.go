package chatalot

import "restante/relay/api/wire"

// dmOps are the rows of direct messages.
func (a *api) dmOps() []wire.Op { return nil }
