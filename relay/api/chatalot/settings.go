package chatalot

import "restante/relay/api/wire"

// settingsOps are the rows of the settings of the instance.
func (a *api) settingsOps() []wire.Op { return nil }
