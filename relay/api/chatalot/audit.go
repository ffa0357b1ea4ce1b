package chatalot

import "restante/relay/api/wire"

// auditOps are the rows of the audit log.
func (a *api) auditOps() []wire.Op { return nil }
