package chatalot

import "restante/relay/api/wire"

// reportOps are the rows of the administration of reports.
func (a *api) reportOps() []wire.Op { return nil }
