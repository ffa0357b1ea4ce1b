package chatalot

import "restante/relay/api/wire"

// scheduleOps are the rows of scheduled messages.
func (a *api) scheduleOps() []wire.Op { return nil }
