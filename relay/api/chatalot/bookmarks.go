package chatalot

import "restante/relay/api/wire"

// bookmarkOps are the rows of bookmarks.
func (a *api) bookmarkOps() []wire.Op { return nil }
