package chatalot

import "restante/relay/api/wire"

// previewOps are the rows of link previews.
func (a *api) previewOps() []wire.Op { return nil }
