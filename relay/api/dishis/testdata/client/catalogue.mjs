// Drives socket.io-client against a relay: it hears each event of the catalogue, and misses nothing when it is cut off.
//   node catalogue.mjs URL polling|websocket|upgrading
// Prints one line for each event heard, and ends with 1 when something does not come.
import assert from "node:assert/strict";

const { io } = await import(process.env.SOCKET_IO_CLIENT);
const [url, mode] = process.argv.slice(2);
const transports = { polling: ["polling"], websocket: ["websocket"], upgrading: ["polling", "websocket"] }[mode];
const final = mode === "polling" ? "polling" : "websocket";
const patience = 20_000;

async function call(who, method, path, body) {
  const response = await fetch(url + path, {
    method,
    headers: { "content-type": "application/json", ...(who ? { authorization: "Bearer " + who.token } : {}) },
    body: body && JSON.stringify(body),
  });
  const answer = await response.json();
  assert.ok(answer.success, `${method} ${path}: ${response.status} ${answer.message}`);
  return answer.data ?? answer;
}

const post = (who, path, body) => call(who, "POST", path, body);
const get = (who, path) => call(who, "GET", path);
const content = JSON.stringify({ message: "m", key: "k", iv: "i" });

function within(promise, what) {
  let timer;
  const late = new Promise((_, fail) => (timer = setTimeout(() => fail(new Error("not within " + patience + " ms: " + what)), patience)));
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// A user keeps what its socket hears until somebody asks for it.
class User {
  heard = [];
  waiting = [];

  static async register(name) {
    const user = new User();
    const { userId, authToken } = await post(null, "/api/users/register", { username: `${name} ${mode}`, deviceId: "phone", publicKey: "k" });
    Object.assign(user, { name, id: userId, token: authToken });
    user.socket = io(url, { transports, forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 50, auth: { userId, token: authToken } });
    user.socket.onAny((event, payload) => {
      user.heard.push({ event, payload });
      user.waiting.forEach((look) => look());
    });
    await user.connected();
    return user;
  }

  async connected() {
    if (!this.socket.connected) await within(new Promise((done) => this.socket.once("connect", done)), `${this.name} connects`);
    const { engine } = this.socket.io;
    if (engine.transport.name !== final) await within(new Promise((done) => engine.once("upgrade", done)), `${this.name} upgrades`);
    assert.equal(engine.transport.name, final);
  }

  // hears waits for an event with these fields, and takes it.
  async hears(event, fields) {
    const find = () => this.heard.findIndex((h) => h.event === event && Object.entries(fields).every(([k, v]) => h.payload[k] === v));
    const found = await within(new Promise((done) => {
      const look = () => {
        const i = find();
        if (i >= 0) {
          this.waiting = this.waiting.filter((w) => w !== look);
          done(this.heard.splice(i, 1)[0]);
        }
      };
      this.waiting.push(look);
      look();
    }), `${this.name} hears ${event} ${JSON.stringify(fields)}; it heard ${JSON.stringify(this.heard)}`);
    console.log("heard", event);
    return found.payload;
  }
}

async function direct(anna, bert) {
  const { messageId } = await post(anna, "/api/messages/send", { recipientId: bert.id, encryptedContent: content });
  const told = await bert.hears("new_message", { messageId, senderId: anna.id, type: "text", mediaId: null, replyToId: null });
  assert.equal(new Date(told.sentAt).toISOString(), told.sentAt);
  assert.ok(!("content" in told));
  await post(anna, "/api/messages/typing", { recipientId: bert.id });
  await bert.hears("typing_indicator", { senderId: anna.id, isTyping: true });
  assert.deepEqual(await anna.socket.emitWithAck("stop_typing", { recipientId: bert.id }), { success: true });
  await bert.hears("typing_indicator", { senderId: anna.id, isTyping: false });
  assert.deepEqual(await anna.socket.emitWithAck("nonsense"), { success: false, message: "Unknown event" });
  await post(bert, "/api/messages/react", { messageId, reaction: "👍" });
  for (const user of [anna, bert]) await user.hears("message_reaction", { messageId, userId: bert.id, reaction: "👍" });
  await post(bert, "/api/status", { messageId, status: "seen" });
  await anna.hears("message_status_update", { messageId, status: "seen" });
  await post(anna, "/api/messages/delete", { messageId, deleteForEveryone: true });
  for (const user of [anna, bert]) await user.hears("message_deleted", { messageId, deleteForEveryone: true });
}

async function groups(anna, bert, carl) {
  const { groupId } = await post(anna, "/api/groups/create", { name: "g", members: [bert.id] });
  assert.equal((await bert.hears("member_joined", { groupId })).member.userId, bert.id);
  await post(anna, "/api/groups/members/add", { groupId, members: [carl.id] });
  for (const user of [anna, bert, carl]) await user.hears("member_joined", { groupId });
  const { messageId } = await post(anna, "/api/group-messages/send", { groupId, encryptedContent: content });
  for (const user of [anna, bert, carl]) await user.hears("new_group_message", { messageId, groupId, senderId: anna.id });
  await post(bert, "/api/group-messages/react", { messageId, reaction: "x" });
  for (const user of [anna, bert, carl]) await user.hears("group_message_reaction", { messageId, groupId, userId: bert.id, reaction: "x" });
  await post(carl, "/api/group-messages/status", { messageId, status: "delivered" });
  await anna.hears("group_message_status_update", { messageId, groupId, userId: carl.id, status: "delivered" });
  await post(anna, "/api/group-messages/delete", { messageId, deleteForEveryone: true });
  for (const user of [anna, bert, carl]) await user.hears("group_message_deleted", { messageId, groupId, deleteForEveryone: true });
  await post(anna, "/api/groups/members/remove", { groupId, memberId: carl.id });
  for (const user of [anna, bert, carl]) await user.hears("member_left", { groupId, memberId: carl.id });
}

async function communities(anna, bert) {
  const { communityId, defaultChannel: channelId } = await post(anna, "/api/communities/create", { name: "c", isPrivate: true, encryptedAESKey: "k" });
  for (const end of ["reject", "approve"]) {
    await post(bert, "/api/communities/join", { communityId });
    await anna.hears("community_join_request", { communityId, userId: bert.id });
    await post(anna, "/api/communities/" + end, { communityId, userId: bert.id, encryptedKey: "k" });
    await bert.hears(end === "reject" ? "community_join_rejected" : "community_join_approved", { communityId, userId: bert.id });
  }
  const { messageId } = await post(bert, "/api/channel-messages/send", { channelId, content });
  for (const user of [anna, bert]) await user.hears("new_channel_message", { messageId, channelId, communityId, senderId: bert.id });
  await post(anna, "/api/channel-messages/pin", { messageId });
  for (const user of [anna, bert]) await user.hears("channel_message_pinned", { messageId, channelId, communityId, pinnedBy: anna.id });
  const { statusId } = await post(anna, "/api/statuses/create", { type: "text", content: "x" });
  await bert.hears("new_status", { statusId, userId: anna.id, type: "text" });
}

// resumes is how a client gets on after it was cut off: it reads the history back to what it knows, and takes what it is told
// meanwhile. Nothing is missing and nothing comes twice.
async function resumes(anna, bert) {
  const sent = [], known = new Set();
  bert.socket.on("new_message", ({ messageId }) => known.add(messageId));
  let ready = false;
  const catchUp = async () => {
    for (let before = "", more = true; more; ) {
      const page = await get(bert, `/api/messages/${bert.id}/${anna.id}?limit=7${before && "&before=" + before}`);
      more = page.length === 7 && !page.some((m) => known.has(m.messageId) && ready);
      page.forEach((m) => m.deletedForEveryone || known.add(m.messageId));
      before = page.at(-1)?.sentAt;
    }
    ready = true;
  };
  await catchUp();
  known.clear();
  for (let i = 0; i < 40; i++) {
    sent.push((await post(anna, "/api/messages/send", { recipientId: bert.id, encryptedContent: content })).messageId);
    if (i % 10 === 4) bert.socket.io.engine.close(); // the line is cut; the client comes back by itself
    if (i === 30) {
      bert.socket.disconnect();
      setTimeout(() => bert.socket.connect(), 30);
    }
  }
  await bert.connected();
  ready = false;
  await catchUp();
  assert.deepEqual(sent.filter((id) => !known.has(id)), []);
  console.log("resumed", sent.length);
}

const users = await Promise.all(["anna", "bert", "carl"].map(User.register));
await direct(...users);
await groups(...users);
await communities(...users);
await resumes(...users);

// Without a token, and with a wrong one, the client is told why.
for (const [auth, message] of [[{ userId: users[0].id }, "Authentication required"], [{ token: "dsh_x" }, "Invalid token"]]) {
  const socket = io(url, { transports, forceNew: true, reconnection: false, auth });
  const error = await within(new Promise((done) => socket.once("connect_error", done)), message);
  assert.equal(error.message, message);
  socket.close();
}
// A revoked token ends the socket.
await post(users[1], "/api/users/revoke", {});
if (users[1].socket.connected) await within(new Promise((done) => users[1].socket.once("disconnect", done)), "a revoked token ends the socket");
users.forEach((user) => user.socket.close());
console.log("all is well");
