package dishis

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// actingPath names the parameter of the path that is who acts.
var actingPath = map[string]string{
	"GET /api/messages/:userId/:recipientId":   "userId",
	"GET /api/groups/user/:userId":             "userId",
	"GET /api/communities/user/:userId":        "userId",
	"GET /api/analytics/user/:userId":          "userId",
	"GET /api/analytics/active-chats/:userId":  "userId",
	"GET /api/analytics/message-count/:userId": "userId",
}

// actingQuery names the parameter of the query that is who acts, where it is not
// userId.
var actingQuery = map[string]string{
	"GET /api/statuses/user/:userId": "viewerId",
	"GET /api/statuses/:statusId":    "viewerId",
}

// nameless are the rows whose requests name nobody in the original API: callers
// who are believed need not say who they are.
var nameless = map[string]bool{
	"GET /api/groups/:groupId":       true,
	"GET /api/status/:messageId":     true,
	"GET /api/media/:fileId":         true,
	"GET /api/media/:fileId/content": true,
	"POST /api/media/upload":         true, // the form says it
}

// ops is the whole API, in the order of its document, with the extensions behind
// the part they belong to.
func (a *api) ops() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/health", wire.Anyone, wire.Read(a.health), "whether the relay works"),

		wire.Row("POST /api/users/register", wire.Anyone, wire.Free(a.register), "a new account and its token, or another device"),
		wire.Row("POST /api/users/block", wire.User, write(a.block), "keep a user from writing to the caller"),
		wire.Row("POST /api/users/unblock", wire.User, write(a.unblock), "take a block back"),
		wire.Row("POST /api/users/mute", wire.User, write(a.mute), "have a user not announced for a while"),
		wire.Row("POST /api/users/revoke", wire.User, write(a.revoke), "make a device's token worthless").NamesNobody(),
		wire.Row("GET /api/users/search", wire.User, read(a.searchUser), "a user by his whole name"),
		wire.Row("GET /api/users/:userId/public-key", wire.User, read(a.publicKey), "with which key to encrypt for a user"),

		wire.Row("POST /api/messages/send", wire.User, write(a.sendDirect), "a sealed message to a user"),
		wire.Row("GET /api/messages/:userId/:recipientId", wire.User, read(a.directHistory), "messages of the caller and a user"),
		wire.Row("POST /api/messages/typing", wire.User, free(a.typingTo), "that the caller is typing to a user"),
		wire.Row("POST /api/messages/reply", wire.User, write(a.reply), "an answer to a message"),
		wire.Row("POST /api/messages/react", wire.User, write(a.reactDirect), "a reaction to a message"),
		wire.Row("POST /api/messages/delete", wire.User, write(a.deleteDirect), "delete a message, for the caller or for both"),
		wire.Row("POST /api/messages/schedule", wire.User, write(a.schedule), "a message to be sent at a time"),
		wire.Row("POST /api/status", wire.User, write(a.setDirectStage), "that a message has come or was seen"),
		wire.Row("GET /api/status/:messageId", wire.User, read(a.directStage), "how far a message has come"),

		wire.Row("POST /api/groups/create", wire.User, write(a.createGroup), "a new group"),
		wire.Row("GET /api/groups/:groupId", wire.User, read(a.groupDetails), "a group, its settings and members"),
		wire.Row("POST /api/groups/members/add", wire.User, write(a.addMembers), "let users into a group"),
		wire.Row("POST /api/groups/members/remove", wire.User, write(a.removeMember), "take a member out of a group, or leave it"),
		wire.Row("POST /api/groups/settings", wire.User, write(a.setGroupSettings), "who may write and add members"),
		wire.Row("POST /api/groups/members/role", wire.User, write(a.setRole), "make a member an admin, or the other way"),
		wire.Row("GET /api/groups/user/:userId", wire.User, read(a.groupsOf), "the caller's groups").NamesNobody(),
		wire.Row("POST /api/groups/delete", wire.User, write(a.deleteGroup), "close a group"),
		wire.Row("GET /api/groups/:groupId/public-keys", wire.User, read(a.groupKeys), "the keys of a group's members"),

		wire.Row("POST /api/group-messages/send", wire.User, write(a.sendGroup), "a sealed message to a group"),
		wire.Row("GET /api/group-messages/:groupId", wire.User, read(a.groupHistory), "messages of a group"),
		wire.Row("POST /api/group-messages/react", wire.User, write(a.reactGroup), "a reaction to a group's message"),
		wire.Row("POST /api/group-messages/delete", wire.User, write(a.deleteInGroup), "delete a group's message, for the caller or everyone"),
		wire.Row("POST /api/group-messages/status", wire.User, write(a.setGroupStage), "that a group's message has come or was seen"),

		wire.Row("POST /api/communities/create", wire.User, write(a.createCommunity), "a new community with a first channel"),
		wire.Row("GET /api/communities/:communityId", wire.User, read(a.communityDetails), "a community"),
		wire.Row("POST /api/communities/join", wire.User, write(a.joinCommunity), "join a community, or ask to"),
		wire.Row("POST /api/communities/leave", wire.User, write(a.leaveCommunity), "leave a community"),
		wire.Row("POST /api/communities/channel/create", wire.User, write(a.createChannel), "a new channel of a community"),
		wire.Row("GET /api/communities/:communityId/channels", wire.User, read(a.channelsOf), "a community's channels with the caller's keys"),
		wire.Row("GET /api/communities/user/:userId", wire.User, read(a.communitiesOf), "the caller's communities").NamesNobody(),
		wire.Row("POST /api/communities/approve", wire.User, write(a.approve), "let somebody in who asked"),
		wire.Row("POST /api/communities/reject", wire.User, write(a.reject), "turn somebody away who asked"),
		wire.Row("GET /api/communities/:communityId/requests", wire.User, read(a.joinRequests), "who asks to be let in"),
		wire.Row("POST /api/communities/members/role", wire.User, write(a.setCommunityRole), "make a member an admin, or the other way"),

		wire.Row("POST /api/channel-messages/send", wire.User, write(a.sendChannel), "a sealed message to a channel"),
		wire.Row("GET /api/channel-messages/:channelId", wire.User, read(a.channelHistory), "messages of a channel"),
		wire.Row("POST /api/channel-messages/pin", wire.User, write(a.pin), "pin a channel's message"),
		wire.Row("GET /api/channel-messages/:channelId/pinned", wire.User, read(a.pinned), "the pinned messages of a channel"),

		wire.Row("POST /api/statuses/create", wire.User, write(a.createStatus), "a status update for some hours"),
		wire.Row("GET /api/statuses/user/:userId", wire.User, free(a.statusesOf), "a user's status updates"),
		wire.Row("GET /api/statuses/:statusId", wire.User, free(a.statusDetails), "a status update"),
		wire.Row("POST /api/statuses/delete", wire.User, write(a.deleteStatus), "take a status update back"),
		wire.Row("GET /api/statuses/:statusId/viewers", wire.User, read(a.viewers), "who saw a status update"),

		wire.Row("POST /api/media/upload", wire.User, wire.Raw(a.upload), "a sealed file, with its thumbnail").NamesNobody(),
		wire.Row("GET /api/media/:fileId", wire.User, wire.Raw(a.details), "what is kept with a media file"),
		wire.Row("GET /api/media/:fileId/content", wire.User, wire.Raw(a.content), "the bytes of a media file"),

		wire.Row("GET /api/analytics/user/:userId", wire.User, read(a.statistics), "what the caller sent and received").NamesNobody(),
		wire.Row("GET /api/analytics/active-chats/:userId", wire.User, read(a.activeChats), "with whom the caller exchanged messages").NamesNobody(),
		wire.Row("GET /api/analytics/message-count/:userId", wire.User, read(a.messageCount), "what the caller sent in a period").NamesNobody(),

		wire.Row("GET /socket.io/", wire.Anyone, wire.Raw(a.socketIO), "what happens, by Socket.IO: its handshake, polls, WebSockets"),
		wire.Row("POST /socket.io/", wire.Anyone, wire.Raw(a.socketIO), "what a Socket.IO client sends by polling"),
		wire.Row("GET /socket.io", wire.Anyone, wire.Raw(a.socketIO), "the same, without the slash"),
		wire.Row("POST /socket.io", wire.Anyone, wire.Raw(a.socketIO), "the same, without the slash"),
	}
}

// health answers when the store does.
func (a *api) health(*wire.Call, *relay.Tx, wire.None) (answer, error) {
	return said("API is healthy"), nil
}
