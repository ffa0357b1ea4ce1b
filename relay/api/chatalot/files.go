package chatalot

import "restante/relay/api/wire"

// fileOps are the rows of files.
func (a *api) fileOps() []wire.Op { return nil }
