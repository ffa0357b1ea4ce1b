package chatalot

import "restante/relay/api/wire"

// feedbackOps are the rows of feedback.
func (a *api) feedbackOps() []wire.Op { return nil }
