package jetico

import (
	"cmp"
	"strings"
	"time"

	"restante/ratelimit"
	"restante/relay/api/wire"
)

// family is the name under which accounts of this API are kept.
const family = "jetico"

// Options are what an operator decides about this API. Zero values mean the
// defaults in brackets.
type Options struct {
	Closed        bool   // phones that are nobody's yet are refused (false)
	ServerVersion string // what RequestPing says ("7.14")
	AndroidURL    string // where the Android app is to be had (none)
	SupportID     string // userIds that the settings name (none)
	AdminID       string
	Theme         Theme // colours and addresses of the settings (the protocol's)

	CodeDigits    int           // of verification codes, 6 to 8 (6)
	CodeText      string        // the line with a code, %s (a sentence in English)
	AuthWithin    time.Duration // a connection that has not authenticated by then is closed (15 min)
	Requests      int           // of one connection in ten seconds; negative: any number (100)
	MaxApps       int           // confirmed applications of one user (20)
	MaxFile       int64         // bytes of a file (100 MiB)
	FileQuota     int64         // bytes of all files of one user (the relay's)
	MaxAvatar     int64         // bytes of an avatar (1 MiB)
	ReportsToFlag int           // reporters that make a message objectionable; negative: never (1)

	// HistoryAll lets somebody who is added see what was said before.
	HistoryAll bool
	// PlainEvents leaves out the event messages that the vendor's protocol does
	// not show, for clients that refuse names they do not know.
	PlainEvents bool
	// OpenDownloads serves files to whoever knows their address.
	OpenDownloads bool
}

func (o Options) withDefaults() Options {
	o.ServerVersion = cmp.Or(o.ServerVersion, "7.14")
	o.CodeDigits = min(max(cmp.Or(o.CodeDigits, 6), 6), 8)
	o.CodeText = cmp.Or(o.CodeText, "Your code is %s")
	o.AuthWithin = cmp.Or(o.AuthWithin, 15*time.Minute)
	o.Requests = cmp.Or(o.Requests, 100)
	o.MaxApps = cmp.Or(o.MaxApps, 20)
	o.MaxFile = cmp.Or(o.MaxFile, 100<<20)
	o.MaxAvatar = cmp.Or(o.MaxAvatar, 1<<20)
	o.ReportsToFlag = cmp.Or(o.ReportsToFlag, 1)
	o.Theme = o.Theme.withDefaults()
	return o
}

// checksAnHour is how often a user may ask which of a list are registered.
const checksAnHour = 21

// An api is the handlers with their configuration.
type api struct {
	o        Options
	requests map[string]*wire.Op // by name, those of sockets
	checks   *ratelimit.Limiter  // of lists of users, for one account; nil: none
	unknown  *ratelimit.Limiter  // of placeholders for users there are not; nil: none
}

// Family returns the API as an operator configured it.
func Family(o Options) wire.Family {
	a := &api{o: o.withDefaults(), requests: map[string]*wire.Op{}}
	if a.o.Requests > 0 {
		a.checks = ratelimit.New(ratelimit.PerHour(checksAnHour-1, checksAnHour), 1<<12)
		a.unknown = ratelimit.New(ratelimit.PerHour(maxUsers, maxUsers), 1<<12)
	}
	ops := a.ops()
	for i := range ops {
		if !strings.Contains(ops[i].Name, " ") { // else it is HTTP's
			a.requests[ops[i].Name] = &ops[i]
		}
	}
	return wire.Family{
		Name:    family,
		About:   "Jetico Messenger: one WebSocket, files over HTTP",
		Ops:     ops,
		Dialect: dialect,
		MaxBody: 1 << 16, // of what is not streamed, which is nothing

		FindAccount: findUser,
	}
}

// ops is the whole API, in the order of its document.
func (a *api) ops() []wire.Op {
	const anyone, user = wire.Anyone, wire.User
	files := user
	if a.o.OpenDownloads {
		files = anyone
	}
	return []wire.Op{
		wire.Row("GET /ws", anyone, wire.Raw(a.open), "the WebSocket of everything below that has no path"),

		wire.Row("RequestPing", anyone, wire.Free(a.ping), "the server's version"),
		wire.Row("RequestRegisterApplication", anyone, wire.Free(a.registerApplication), "a code to a phone, for a new application"),
		wire.Row("RequestConfirmRegistration", anyone, wire.Free(a.confirmRegistration), "the code: the application is the user's"),
		wire.Row("RequestAuthenticationByApplication", anyone, wire.Free(a.authenticate), "this connection is that application's"),
		wire.Row("RequestUpdateDeviceTokenByApplication", user, wire.Write(a.updateDeviceToken), "where the application can be pushed to"),
		wire.Row("RequestGetApplicationsFull", user, wire.Read(a.getApplications), "the caller's applications").NamesNobody(),
		wire.Row("RequestDeleteApplication", user, wire.Write(a.deleteApplication), "an application of the caller's ends"),
		wire.Row("RequestDeleteUser", user, wire.Free(a.deleteUser), "a code, to delete the caller's account"),
		wire.Row("RequestDeleteUserConfirmation", user, wire.Free(a.confirmDeleteUser), "the code: the account is deleted"),

		wire.Row("RequestAddUserKeys", user, wire.Write(a.addUserKeys), "the caller's first keys"),
		wire.Row("RequestUpdateUserKeys", user, wire.Free(a.updateUserKeys), "a code, for other keys or another passphrase"),
		wire.Row("RequestConfirmUpdateUserKeys", user, wire.Free(a.confirmUpdateUserKeys), "the code: the keys are changed"),
		wire.Row("RequestUpdateUserNick", user, wire.Write(a.updateUserNick), "the caller's sealed nick"),
		wire.Row("RequestGetUserInfo", user, wire.Read(a.getUserInfo), "a user"),
		wire.Row("RequestGetUserInfoMulti", user, wire.Read(a.getUserInfoMulti), "several users, unknown ones as placeholders"),
		wire.Row("RequestGetUpdatedPublicKeys", user, wire.Read(a.getUpdatedPublicKeys), "keys of members who need a new session key"),

		wire.Row("GetParams", user, wire.Read(a.getParams), "what the caller's applications keep here").NamesNobody(),
		wire.Row("UpdateParam", user, wire.Write(a.updateParam), "keep something, or no longer").NamesNobody(),
		wire.Row("RequestGetContactList", user, wire.Read(a.getContacts), "the caller's contacts").NamesNobody(),
		wire.Row("UpdateContact", user, wire.Write(a.updateContact), "one contact").NamesNobody(),
		wire.Row("RequestUpdateContactList", user, wire.Write(a.updateContacts), "several contacts, or all").NamesNobody(),
		wire.Row("RequestGetRegisteredUsers", user, wire.Read(a.getRegisteredUsers), "which of a list are registered"),

		wire.Row("AddBlackList", user, wire.Write(a.addBlackList), "take nothing from a user any more"),
		wire.Row("RemoveBlackList", user, wire.Write(a.removeBlackList), "take it again"),
		wire.Row("GetBlackList", user, wire.Read(a.getBlackList), "from whom the caller takes nothing").NamesNobody(),
		wire.Row("AddMessageReport", user, wire.Write(a.addMessageReport), "report a message to the operator"),
		wire.Row("AddConversationReport", user, wire.Write(a.addConversationReport), "report a conversation"),
		wire.Row("AddUserReport", user, wire.Write(a.addUserReport), "report a user"),

		wire.Row("RequestCreateConversationFull", user, wire.Write(a.createConversation), "a new dialog or group, with everybody's session key"),
		wire.Row("RequestGetConversationFull", user, wire.Read(a.getConversation), "a conversation, its last message, the caller's key"),
		wire.Row("RequestGetConversationsFull", user, wire.Read(a.getConversations), "all of that for all conversations").NamesNobody(),
		wire.Row("RequestGetMembersList", user, wire.Read(a.getMembers), "admins and members"),
		wire.Row("GetNicks", user, wire.Read(a.getNicks), "the members' nicks in a conversation"),
		wire.Row("UpdateMemberNick", user, wire.Write(a.updateMemberNick), "the caller's nick in a conversation"),
		wire.Row("RequestRenameConversation", user, wire.Write(a.renameConversation), "another title"),
		wire.Row("RequestAddMember", user, wire.Write(a.addMember), "let somebody in"),
		wire.Row("RequestAddAdmin", user, wire.Write(a.addAdmin), "let somebody in, as an admin"),
		wire.Row("RequestChangeToAdmin", user, wire.Write(a.changeToAdmin), "make a member an admin"),
		wire.Row("RequestKickUser", user, wire.Write(a.kickUser), "take somebody out"),
		wire.Row("RequestLeaveConversation", user, wire.Write(a.leaveConversation), "leave a group"),
		wire.Row("RequestDeleteConversation", user, wire.Write(a.deleteConversation), "erase a conversation for everybody"),
		wire.Row("RequestTyping", user, wire.Read(a.typing), "tell the others that the caller types"),

		wire.Row("RequestGetSessionKey", user, wire.Read(a.getSessionKey), "the caller's copy of a session key"),
		wire.Row("RequestAddNewSessionKeys", user, wire.Write(a.addSessionKeys), "another session key, a copy for each"),

		wire.Row("RequestAddMessage", user, wire.Write(a.addMessage), "a sealed message"),
		wire.Row("RequestGetMessages", user, wire.Read(a.getNewer), "messages newer than one"),
		wire.Row("RequestGetMessagesFromUuid", user, wire.Read(a.getOlder), "messages older than one"),
		wire.Row("RequestGetMessagesByUuids", user, wire.Read(a.getByUUIDs), "messages by their uuids"),
		wire.Row("MessageDelivered", user, wire.Write(a.messageDelivered), "the caller has got a message"),
		wire.Row("RequestMessagesReaded", user, wire.Write(a.messagesRead), "the caller has read messages"),
		wire.Row("RequestMarkAllReaded", user, wire.Write(a.markAllRead), "the caller has read everything"),
		wire.Row("RequestDeleteMessage", user, wire.Write(a.deleteMessage), "erase a message for everybody"),
		wire.Row("RequestDeleteMessages", user, wire.Write(a.deleteMessages), "erase several messages, or none"),

		wire.Row("RequestGetFiles", user, wire.Free(a.getFiles), "files of a message that are there"),
		wire.Row("RequestGetFilesFast", user, wire.Read(a.getFilesFast), "files of a message, as they were sent"),
		wire.Row("RequestGetServerSettings", anyone, wire.Free(a.getServerSettings), "support, admin, theme"),

		wire.Row("GET /download/:conversation/:file", files, wire.Raw(a.download), "a file of a message"),
		wire.Row("PUT /upload/:conversation/:file", user, wire.Raw(a.upload), "a file for a message of the caller's"),
		wire.Row("GET /avatar/:whose", user, wire.Raw(a.getAvatar), "the avatar of a conversation or a user"),
		wire.Row("PUT /avatar/:whose", user, wire.Raw(a.putAvatar), "another avatar"),
		wire.Row("DELETE /avatar/:whose", user, wire.Raw(a.deleteAvatar), "no avatar any more"),
	}
}
