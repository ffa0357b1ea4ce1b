package chatalot

import (
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// healthOps are the rows of the health of the relay.
func (a *api) healthOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/health", wire.Anyone, wire.Free(a.health), "whether the relay and its store answer"),
	}
}

type healthOut struct {
	Status  string `json:"status"`
	Version string `json:"version"`
	Uptime  int64  `json:"uptime_secs"`
	Healthy bool   `json:"db_healthy"`
}

// health says "ok", which the desktop shell insists on, or "degraded" when the
// store does not answer; either with status 200.
func (a *api) health(c *wire.Call, r *relay.Relay, _ wire.None) (healthOut, error) {
	out := healthOut{"ok", a.o.Version, int64(time.Since(a.started).Seconds()), true}
	if err := r.View(c.Context(), func(tx *relay.Tx) error { return nil }); err != nil {
		out.Status, out.Healthy = "degraded", false
	}
	return out, nil
}
