package dishis

import (
	"path/filepath"
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/api/wire/socketio/socketiotest"
)

// catalogue is every event of this API.
var catalogue = []string{
	"new_message", "typing_indicator", "message_reaction", "message_deleted", "message_status_update",
	"new_group_message", "group_message_reaction", "group_message_deleted", "group_message_status_update",
	"new_channel_message", "channel_message_pinned", "new_status", "member_joined", "member_left",
	"community_join_request", "community_join_approved", "community_join_rejected",
}

// The client that people use hears each event, over each of its transports, and
// misses nothing when its line is cut.
func TestClient(t *testing.T) {
	script, err := filepath.Abs("testdata/client/catalogue.mjs")
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range socketiotest.Modes {
		t.Run(mode, func(t *testing.T) {
			h := build(t, t.TempDir(), relay.Options{})
			out := socketiotest.Node(t, script, h.url, mode)
			for _, event := range catalogue {
				if !strings.Contains(out, "heard "+event+"\n") {
					t.Errorf("did not hear %s", event)
				}
			}
			if !strings.Contains(out, "all is well") {
				t.Error("the client did not come to its end")
			}
		})
	}
}
