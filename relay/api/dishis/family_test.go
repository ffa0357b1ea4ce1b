package dishis

import (
	"strconv"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/api/wire/wiretest"
)

// configured returns the family as a story's settings ask for it.
func configured(s *wiretest.Settings) wire.Family {
	deeds(s)
	return Family(Options{
		Registration: s.String("registration", ""),
		Trusting:     s.String("trusting", "off") == "on",
		LegacyEvents: s.String("legacy-events", "off") == "on",
		MaxContent:   s.Int("max-content", 0),
		MaxFile:      int64(s.Int("max-file", 0)),
		MaxMembers:   s.Int("max-members", 0),
	})
}

func TestTranscripts(t *testing.T) {
	wiretest.RunWith(t, configured, "../../../testdata/dishis")
}

// seed is the operations of the API's document, with the three whose lines it
// lost.
var seed = []string{
	"GET /api/health",
	"POST /api/users/register", "POST /api/users/block", "POST /api/users/unblock", "POST /api/users/mute",
	"POST /api/messages/send", "GET /api/messages/:userId/:recipientId", "POST /api/messages/typing", "POST /api/messages/reply",
	"POST /api/messages/react", "POST /api/messages/delete", "POST /api/messages/schedule", "POST /api/status", "GET /api/status/:messageId",
	"POST /api/groups/create", "GET /api/groups/:groupId", "POST /api/groups/members/add", "POST /api/groups/members/remove",
	"POST /api/groups/settings", "POST /api/groups/members/role", "GET /api/groups/user/:userId", "POST /api/groups/delete",
	"POST /api/group-messages/send", "GET /api/group-messages/:groupId", "POST /api/group-messages/react",
	"POST /api/group-messages/delete", "POST /api/group-messages/status",
	"POST /api/communities/create", "GET /api/communities/:communityId", "POST /api/communities/join", "POST /api/communities/leave",
	"POST /api/communities/channel/create", "GET /api/communities/:communityId/channels", "GET /api/communities/user/:userId",
	"POST /api/channel-messages/send", "GET /api/channel-messages/:channelId", "POST /api/channel-messages/pin",
	"GET /api/channel-messages/:channelId/pinned",
	"POST /api/statuses/create", "GET /api/statuses/user/:userId", "GET /api/statuses/:statusId", "POST /api/statuses/delete",
	"GET /api/statuses/:statusId/viewers",
	"POST /api/media/upload", "GET /api/media/:fileId",
	"GET /api/analytics/user/:userId", "GET /api/analytics/active-chats/:userId", "GET /api/analytics/message-count/:userId",
}

func TestOps_Seed(t *testing.T) {
	rows := map[string]bool{}
	for _, op := range Family(Options{}).Ops {
		rows[op.Name] = true
	}
	for _, op := range seed {
		if !rows[op] {
			t.Errorf("the table lacks %s", op)
		}
	}
}

// deeds are what stories may do beside asking, to name times:
//
//	! $soon = after 5m                  that time on the relay's clock
//	! $soon = seconds 5m                the same, as a number
func deeds(s *wiretest.Settings) {
	s.Do("after", func(r *relay.Relay, words ...string) (string, error) {
		d, err := time.ParseDuration(words[0])
		return wire.ISO(r.Now().Add(d)), err
	})
	s.Do("seconds", func(r *relay.Relay, words ...string) (string, error) {
		d, err := time.ParseDuration(words[0])
		return strconv.FormatInt(int64(r.Now().Add(d))/1000, 10), err
	})
}
