package chatalot

import "restante/relay/api/wire"

// accountOps are the rows of the caller's own account and its sessions.
func (a *api) accountOps() []wire.Op { return nil }
