package chatalot

import "restante/relay/api/wire"

// assetOps are the rows of pictures of users, communities and groups.
func (a *api) assetOps() []wire.Op { return nil }
