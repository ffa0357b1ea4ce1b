package chatalot

import "restante/relay/api/wire"

// adminFileOps are the rows of the administration of files.
func (a *api) adminFileOps() []wire.Op { return nil }
