package chatalot

import "restante/relay/api/wire"

// legalOps are the rows of the operator's legal texts.
func (a *api) legalOps() []wire.Op { return nil }
