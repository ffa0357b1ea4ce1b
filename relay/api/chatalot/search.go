package chatalot

import "restante/relay/api/wire"

// searchOps are the rows of searching.
func (a *api) searchOps() []wire.Op { return nil }
