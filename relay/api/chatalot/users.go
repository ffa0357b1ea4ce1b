package chatalot

import "restante/relay/api/wire"

// userOps are the rows of users, blocks and reports.
func (a *api) userOps() []wire.Op { return nil }
