package chatalot

import "restante/relay/api/wire"

// unreadOps are the rows of what is unread, and read cursors.
func (a *api) unreadOps() []wire.Op { return nil }
