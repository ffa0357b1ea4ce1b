package chatalot

import "restante/relay/api/wire"

// gifOps are the rows of the GIF proxy.
func (a *api) gifOps() []wire.Op { return nil }
