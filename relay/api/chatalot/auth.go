package chatalot

import "restante/relay/api/wire"

// authOps are the rows of registration and login.
func (a *api) authOps() []wire.Op { return nil }
