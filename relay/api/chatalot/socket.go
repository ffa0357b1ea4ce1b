package chatalot

import "restante/relay/api/wire"

// socketOps are the rows of the WebSocket.
func (a *api) socketOps() []wire.Op { return nil }
