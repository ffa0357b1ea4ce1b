package sama

import (
	"slices"
	"strings"
	"testing"

	"restante/relay/api/wire"
	"restante/relay/api/wire/wiretest"
)

// configured returns the family as a story's settings ask for it.
func configured(s *wiretest.Settings) wire.Family {
	o := Options{
		Dialect:      s.String("dialect", ""),
		Registration: s.String("registration", ""),
		AccessFor:    s.Duration("access-for", 0),
		Participants: s.Int("participants", 0),
		SearchMin:    s.Int("search-min", 0),
		HideContacts: s.String("hide-contacts", "") == "on",
		MaxFile:      int64(s.Int("max-file", 0)),
		FileQuota:    int64(s.Int("file-quota", 0)),
		MaxPacket:    int64(s.Int("max-packet", 0)),
	}
	if list := s.String("organizations", ""); list != "" {
		o.Organizations = strings.Split(list, ",")
	}
	return Family(o)
}

func TestTranscripts(t *testing.T) {
	wiretest.RunWith(t, configured, "../../../testdata/sama")
}

// seedOperations are what the protocol's document has, in its order.
var seedOperations = []string{
	"user_create", "POST /login", "connect", "user_login", "POST /logout", "user_logout", "user_edit", "user_delete", "user_search",
	"get_users_by_ids", "contact_add", "contact_batch_add", "contact_update", "contact_list", "contact_delete",
	"conversation_create", "conversation_update", "conversation_delete", "conversation_list", "get_participants_by_cids",
	"conversation_search", "message", "system_message", "message_list", "message_read", "typing", "message_delete", "message_edit",
	"push_subscription_create", "push_subscription_list", "push_subscription_delete", "push_event_create", "user_last_activity",
	"user_last_activity_subscribe", "op_log_list", "create_files", "get_file_urls", "block_user", "unblock_user", "list_blocked_users",
}

func TestOperations_OfTheSeed(t *testing.T) {
	var have []string
	for _, op := range Family(Options{}).Ops {
		have = append(have, op.Name)
	}
	for _, op := range seedOperations {
		if !slices.Contains(have, op) {
			t.Errorf("no row for %s", op)
		}
	}
}
