package chatalot

import "restante/relay/api/wire"

// hashOps are the rows of the blocklist of files.
func (a *api) hashOps() []wire.Op { return nil }
