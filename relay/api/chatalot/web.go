package chatalot

import "restante/relay/api/wire"

// webOps are the rows of the web client's files.
func (a *api) webOps() []wire.Op { return nil }
