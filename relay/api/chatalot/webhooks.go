package chatalot

import "restante/relay/api/wire"

// webhookOps are the rows of webhooks.
func (a *api) webhookOps() []wire.Op { return nil }
