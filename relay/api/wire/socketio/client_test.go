package socketio_test

import (
	"strings"
	"testing"
	"time"

	"restante/relay/api/wire/engineio"
	"restante/relay/api/wire/socketio"
	"restante/relay/api/wire/socketio/socketiotest"
)

// guest is a visitor of the hall.
type guest struct{ *socketiotest.Visitor }

func (g guest) Closed(engineio.Reason) { g.Leave() }

// The client that people use, over each of its transports.
func TestClient(t *testing.T) {
	var hall socketiotest.Hall
	o := suite
	o.Engine.PingTimeout = 5 * time.Second // Node shares the machine with everything else that is tested
	s := serve(t, o, func(h *socketio.Handshake) (socketio.Open, error) {
		if err := hall.Admit(h); err != nil {
			return nil, err
		}
		return func(s *socketio.Socket) socketio.Handler {
			return guest{hall.Enter(s, h.Auth, s.Disconnect)}
		}, nil
	})
	socketiotest.Check(t, strings.TrimSuffix(s.url, "/socket.io/?"))
}
