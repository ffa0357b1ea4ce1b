package chatalot

import "restante/relay/api/wire"

// senderKeyOps are the rows of sender keys.
func (a *api) senderKeyOps() []wire.Op { return nil }
