package chatalot

import "restante/relay/api/wire"

// pollOps are the rows of polls.
func (a *api) pollOps() []wire.Op { return nil }
