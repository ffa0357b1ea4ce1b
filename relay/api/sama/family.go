package sama

import (
	"cmp"
	"strings"
	"time"

	"restante/ratelimit"
	"restante/relay"
	"restante/relay/api/wire"
)

// family is the name under which accounts of this API are kept.
const family = "sama"

// Options are what an operator decides about this API. Zero values mean the
// defaults in brackets.
type Options struct {
	Dialect       string        // "seed" or "sdk" for everybody; else by how a client logs in ("")
	Registration  string        // "open" or "closed" ("open")
	Organizations []string      // ids that clients may name ("default")
	AccessFor     time.Duration // how long an access token lives (3 h)
	RefreshFor    time.Duration // and a refresh token (14 days)
	UploadFor     time.Duration // how long an address for uploading lives, at least (1 h)
	DownloadFor   time.Duration // and one for downloading (7 days)
	MaxPacket     int64         // bytes of one packet (1 MiB)
	Participants  int           // of a group (50)
	MaxFile       int64         // bytes of one file (100 MiB)
	FileQuota     int64         // bytes that the files of one account may have in all (500 MiB)
	SearchMin     int           // characters a search needs (1)
	HideContacts  bool          // e-mail and phone are shown to their owner only
	PlainCookie   bool          // the refresh cookie goes over plain http, too
	CookieSite    string        // SameSite of the cookie: "lax", "strict" or "none" ("lax")
	VAPIDKey      string        // private key for web push, base64url; without it none is sent
	VAPIDSubject  string        // who sends: a mailto: or https: URL
	PlainPush     bool          // push endpoints without TLS are taken, for tests
	Devices       DevicePush    // delivers to device tokens; nil: they are only recorded
	QueueFrames   int           // frames that wait for a slow reader (1,024)
	QueueBytes    int           // and bytes (4 MiB)
	WriteWithin   time.Duration // how long a frame waits for a reader who does not read, beside a second per KiB (30 s)
}

func (o Options) withDefaults() Options {
	if len(o.Organizations) == 0 {
		o.Organizations = []string{"default"}
	}
	o.Registration = cmp.Or(o.Registration, "open")
	o.AccessFor = cmp.Or(o.AccessFor, 3*time.Hour)
	o.RefreshFor = cmp.Or(o.RefreshFor, 14*24*time.Hour)
	o.UploadFor = cmp.Or(o.UploadFor, time.Hour)
	o.DownloadFor = cmp.Or(o.DownloadFor, 7*24*time.Hour)
	o.MaxPacket = cmp.Or(o.MaxPacket, 1<<20)
	o.Participants = cmp.Or(o.Participants, 50)
	o.MaxFile = cmp.Or(o.MaxFile, maxFile)
	o.SearchMin = cmp.Or(o.SearchMin, 1)
	o.CookieSite = cmp.Or(o.CookieSite, "lax")
	return o
}

// An api is the handlers with their configuration.
type api struct {
	o    Options
	ops  map[string]*wire.Op // of the socket, by name
	push pusher

	attention attention // which devices nobody looks at

	lookups *ratelimit.Limiter // of one account: addresses and numbers in contacts
	unknown *ratelimit.Limiter // of strangers, all together: addresses that are nobody's
	vapid   *vapid             // nil: no web push
}

// Family returns the API as an operator configured it. It panics when the VAPID
// key is none: [CheckVAPID] says so before.
func Family(o Options) wire.Family { return newAPI(o).family() }

func newAPI(o Options) *api {
	a := &api{o: o.withDefaults(), ops: map[string]*wire.Op{}}
	a.lookups = ratelimit.New(ratelimit.PerHour(lookupsAnHour, lookupsAtOnce), 1<<12)
	a.unknown = ratelimit.New(ratelimit.PerHour(unknownAnHour, unknownAnHour), 1)
	a.vapid = mustVAPID(o.VAPIDKey, o.VAPIDSubject)
	return a
}

func (a *api) family() wire.Family {
	table := a.table()
	for i := range table {
		if !strings.Contains(table[i].Name, " ") {
			a.ops[table[i].Name] = &table[i]
		}
	}
	return wire.Family{
		Name:    family,
		About:   "JSON packets over a WebSocket: conversations, receipts, an operations log",
		Ops:     table,
		Dialect: dialect,
		MaxBody: 64 << 10,
		CORS: &wire.CORS{
			Methods:     []string{"GET", "HEAD", "POST", "PUT", "DELETE"},
			Headers:     []string{"Content-Type", "Authorization", "API-Key", "device_id", "device-id"},
			Credentials: true,
		},
		FindAccount: func(tx *relay.Tx, name string) (relay.Account, error) {
			return tx.FindLogin(family, relay.Login{Kind: loginName, Folded: folded(name)})
		},
	}
}

// table is the whole API, in the order of its document.
func (a *api) table() []wire.Op {
	const anyone, user = wire.Anyone, wire.User
	return []wire.Op{
		wire.Row("GET /", anyone, wire.Raw(a.open), "the WebSocket that all packets below go over"),
		wire.Row("POST /login", anyone, wire.Free(a.login), "a session: by password, access token or refresh cookie"),
		wire.Row("POST /logout", anyone, wire.Free(a.logout), "end the session of a device"),
		wire.Row("PUT /files/:id", anyone, wire.Raw(a.putFile), "the bytes of a file, by a signed address"),
		wire.Row("GET /files/:id", anyone, wire.Raw(a.getFile), "a file, by a signed address"),
		wire.Row("GET /health", anyone, wire.Free(health), "that the relay is there"),

		wire.Row("user_create", anyone, wire.Free(a.createUser), "a new account"),
		wire.Row("connect", anyone, wire.Free(a.connect), "tie this connection to a session"),
		wire.Row("user_login", anyone, wire.Free(a.loginHere), "log in and connect in one (deprecated)"),
		wire.Row("user_logout", user, wire.Write(a.logoutHere), "end the session of this connection (deprecated)").NamesNobody(),
		wire.Row("user_edit", user, wire.Free(a.editUser), "change the own account"),
		wire.Row("user_delete", user, wire.Free(a.deleteUser), "delete the own account").NamesNobody(),
		wire.Row("user_search", user, wire.Free(a.searchUsers), "people by a part of their name"),
		wire.Row("get_users_by_ids", user, wire.Read(a.usersByID), "people by their ids"),
		wire.Row("user_send_otp", anyone, wire.Free(a.sendOTP), "a code to set a new password with"),
		wire.Row("user_reset_password", anyone, wire.Free(a.resetPassword), "a new password, by a code"),

		wire.Row("contact_add", user, wire.Write(a.addContact), "a new entry of the own address book"),
		wire.Row("contact_batch_add", user, wire.Write(a.addContacts), "several of them"),
		wire.Row("contact_update", user, wire.Write(a.updateContact), "change one"),
		wire.Row("contact_list", user, wire.Read(a.listContacts), "the own address book, newest first").NamesNobody(),
		wire.Row("contact_delete", user, wire.Write(a.deleteContact), "remove one"),

		wire.Row("conversation_create", user, wire.Write(a.createConversation), "a dialog or a group"),
		wire.Row("conversation_update", user, wire.Write(a.updateConversation), "its name, picture and participants"),
		wire.Row("conversation_delete", user, wire.Write(a.deleteConversation), "leave it"),
		wire.Row("conversation_list", user, wire.Read(a.listConversations), "the own ones, last changed first").NamesNobody(),
		wire.Row("conversation_search", user, wire.Read(a.searchConversations), "the own ones by a part of their name").NamesNobody(),
		wire.Row("get_participants_by_cids", user, wire.Read(a.participants), "who is in them"),

		wire.Row("message", user, wire.Write(a.postMessage), "a message to a conversation"),
		wire.Row("system_message", user, wire.Read(a.systemMessage), "a packet to whoever is online, kept nowhere"),
		wire.Row("typing", user, wire.Read(a.typing), "that one is typing"),
		wire.Row("message_list", user, wire.Read(a.listMessages), "what a conversation holds"),
		wire.Row("message_read", user, wire.Free(a.readMessages), "that one has read messages"),
		wire.Row("message_edit", user, wire.Write(a.editMessage), "another body for an own message"),
		wire.Row("message_delete", user, wire.Write(a.deleteMessages), "for oneself or for everybody"),
		wire.Row("message_reactions_update", user, wire.Write(a.updateReactions), "react to a message, or take that back"),
		wire.Row("message_reactions_list", user, wire.Read(a.listReactions), "who reacted to a message, and how"),

		wire.Row("user_last_activity", user, wire.Read(a.lastActivity), "who is online, or was when"),
		wire.Row("user_last_activity_subscribe", user, wire.Read(a.subscribeActivity), "be told of somebody's coming and going"),
		wire.Row("user_last_activity_unsubscribe", user, wire.Read(a.unsubscribeActivity), "not any more").NamesNobody(),
		wire.Row("activity_status", user, wire.Read(a.setActivity), "that nobody looks at this device, or somebody does again").NamesNobody(),
		wire.Row("op_log_list", user, wire.Read(a.listOperations), "what happened since").NamesNobody(),

		wire.Row("create_files", user, wire.Write(a.createFiles), "addresses to upload files to").NamesNobody(),
		wire.Row("get_file_urls", user, wire.Read(a.fileURLs), "addresses to download files from"),

		wire.Row("block_user", user, wire.Write(a.blockUsers), "take nothing from somebody any more"),
		wire.Row("unblock_user", user, wire.Write(a.unblockUsers), "take it again"),
		wire.Row("list_blocked_users", user, wire.Read(a.blockedUsers), "who is blocked").NamesNobody(),
		wire.Row("block_list_enable", user, wire.Write(a.holdBlocks), "switch the own blocks off, or on again").NamesNobody(),

		wire.Row("push_subscription_create", user, wire.Write(a.subscribePush), "where to push to while one is away").NamesNobody(),
		wire.Row("push_subscription_list", user, wire.Read(a.listPush), "the own subscriptions").NamesNobody(),
		wire.Row("push_subscription_delete", user, wire.Write(a.unsubscribePush), "push to a device no more").NamesNobody(),
		wire.Row("push_event_create", user, wire.Write(a.pushEvent), "a push to others"),

		wire.Row("ping", anyone, wire.Free(ping), "a sign of life"),
		wire.Row("get_conversation_handler", user, wire.Read(a.conversationHandler), "scripts are not run here: there is none"),
	}
}
