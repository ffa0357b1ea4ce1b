package chatalot

import "restante/relay/api/wire"

// keyOps are the rows of X3DH key bundles.
func (a *api) keyOps() []wire.Op { return nil }
