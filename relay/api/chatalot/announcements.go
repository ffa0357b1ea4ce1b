package chatalot

import "restante/relay/api/wire"

// announcementOps are the rows of announcements.
func (a *api) announcementOps() []wire.Op { return nil }
