package chatalot

import "restante/relay/api/wire"

// messageOps are the rows of messages, their history and their threads.
func (a *api) messageOps() []wire.Op { return nil }
