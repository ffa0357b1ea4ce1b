package chatalot

import "restante/relay/api/wire"

// quarantineOps are the rows of the quarantine of messages.
func (a *api) quarantineOps() []wire.Op { return nil }
