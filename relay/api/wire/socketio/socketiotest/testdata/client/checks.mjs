// Drives socket.io-client against a server that serves the application of the Go test beside it.
//   node checks.mjs URL polling|websocket|upgrading
// Prints one line for each check, and ends with 1 when one fails.
import assert from "node:assert/strict";
import { io } from "socket.io-client";

const [url, mode] = process.argv.slice(2);
const transports = { polling: ["polling"], websocket: ["websocket"], upgrading: ["polling", "websocket"] }[mode];
const final = mode === "polling" ? "polling" : "websocket";
const open = new Set();

function client(namespace = "/", options = {}) {
  const socket = io(url + namespace, { transports, forceNew: true, reconnectionDelay: 20, reconnectionDelayMax: 50, auth: { token: "123" }, ...options });
  open.add(socket);
  return socket;
}

function next(socket, event) {
  return new Promise((done) => socket.once(event, (...args) => done(args)));
}

// connected waits until the client is in, and on the transport it is to end on.
async function connected(socket) {
  if (!socket.connected) await next(socket, "connect");
  const { engine } = socket.io;
  if (engine.transport.name !== final) await next(engine, "upgrade");
  assert.equal(engine.transport.name, final);
  return socket;
}

const checks = {
  async "connects with a payload"() {
    const socket = client();
    const [auth] = await next(socket, "auth");
    assert.deepEqual(auth, { token: "123" });
    await connected(socket);
    assert.notEqual(socket.id, socket.io.engine.id);
  },

  async "messages come back as they are"() {
    const socket = await connected(client());
    const args = [1, "2", { 3: [true, null, 1.5] }, "ünïcødé ☃ \u2028 <&>", -0.25, [], {}];
    socket.emit("message", ...args);
    assert.deepEqual(await next(socket, "message-back"), args);
  },

  async "what is sent before the upgrade arrives once and in order"() {
    const socket = client();
    const got = [];
    socket.on("message-back", (n) => got.push(n));
    // Fewer than the server takes in one payload, which is what a client that polls may make of them.
    for (let i = 0; i < 60; i++) {
      socket.emit("message", i);
      if (i % 10 === 0) await new Promise((done) => setTimeout(done, 5));
    }
    await socket.emitWithAck("message-with-ack", "end");
    assert.deepEqual(got, Array.from({ length: 60 }, (_, i) => i));
  },

  async "the server acknowledges"() {
    const socket = await connected(client());
    assert.deepEqual(await socket.emitWithAck("message-with-ack", { a: 1 }), { a: 1 });
  },

  async "the client acknowledges"() {
    const socket = await connected(client());
    socket.on("question", (text, bytes, answer) => answer(text + "!", Buffer.concat([bytes, Buffer.from([9])])));
    socket.emit("ask", "why");
    const [error, text, bytes] = await next(socket, "answered");
    assert.equal(error, "");
    assert.equal(text, "why!");
    assert.deepEqual([...bytes], [1, 2, 3, 9]);
  },

  async "a client that does not acknowledge is not waited for"() {
    const socket = await connected(client());
    socket.on("question", () => {});
    socket.emit("ask", "why");
    const [error] = await next(socket, "answered");
    assert.match(error, /in time/);
  },

  async "binary goes there and back"() {
    const socket = await connected(client());
    const big = Buffer.alloc(100_000, 7);
    socket.emit("message", { nested: [Buffer.from([0, 30, 255])] }, big, "text");
    const [first, second, third] = await next(socket, "message-back");
    assert.deepEqual([...first.nested[0]], [0, 30, 255]);
    assert.ok(big.equals(second));
    assert.equal(third, "text");
    assert.deepEqual([...(await socket.emitWithAck("message-with-ack", Buffer.from([5])))], [5]);
  },

  async "a long text goes there and back"() {
    const socket = await connected(client());
    const text = "é".repeat(200_000);
    assert.equal(await socket.emitWithAck("message-with-ack", text), text);
  },

  async "a burst comes whole"() {
    const socket = await connected(client());
    const got = [];
    socket.on("n", (n) => got.push(n));
    await socket.emitWithAck("burst", 400);
    assert.deepEqual(got, Array.from({ length: 400 }, (_, i) => i));
  },

  async "namespaces share a connection"() {
    const main = await connected(client());
    const custom = main.io.socket("/custom", { auth: { token: "abc" } });
    assert.deepEqual(await next(custom, "auth"), [{ token: "abc" }]);
    custom.emit("message", "there");
    assert.deepEqual(await next(custom, "message-back"), ["there"]);
    custom.disconnect();
    main.emit("message", "here");
    assert.deepEqual(await next(main, "message-back"), ["here"]);
  },

  async "an unknown namespace is refused"() {
    const [error] = await next(client("/random"), "connect_error");
    assert.equal(error.message, "Invalid namespace");
  },

  async "a refusal has words and data, and another try is heard"() {
    const socket = client("/", { auth: { token: "wrong" } });
    const [error] = await next(socket, "connect_error");
    assert.equal(error.message, "Invalid token");
    assert.deepEqual(error.data, { code: 7 });
    socket.auth = { token: "right" };
    socket.connect();
    assert.deepEqual(await next(socket, "auth"), [{ token: "right" }]);
  },

  async "the server ends it"() {
    const socket = await connected(client());
    socket.emit("kick");
    assert.deepEqual((await next(socket, "disconnect"))[0], "io server disconnect");
  },

  async "a client that was cut off comes back"() {
    const socket = await connected(client());
    const was = socket.id;
    socket.emit("cut");
    assert.match((await next(socket, "disconnect"))[0], /^transport (close|error)$/);
    await connected(socket);
    assert.notEqual(socket.id, was);
    assert.equal(await socket.emitWithAck("message-with-ack", "again"), "again");
  },

  async "it outlives several pings"() {
    const socket = await connected(client());
    let lost = false;
    socket.on("disconnect", () => (lost = true));
    await new Promise((done) => setTimeout(done, 1200));
    assert.equal(lost, false);
    assert.equal(await socket.emitWithAck("message-with-ack", "alive"), "alive");
  },

  async "the server hears that the client left"() {
    const socket = await connected(client());
    const witness = await connected(client());
    const gone = next(witness, "gone");
    socket.emit("tell-when-gone", witness.id);
    await socket.emitWithAck("message-with-ack");
    const { id } = socket;
    socket.disconnect();
    assert.deepEqual(await gone, [id]);
  },
};

let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  let late;
  try {
    await Promise.race([check(), new Promise((_, fail) => (late = setTimeout(() => fail(new Error("not in time")), 10_000)))]);
    console.log(`ok   ${name}`);
  } catch (error) {
    failed++;
    console.log(`FAIL ${name}: ${error.message}`);
  }
  clearTimeout(late);
  for (const socket of open) socket.io._close(), socket.disconnect();
  open.clear();
}
console.log(`${Object.keys(checks).length - failed} of ${Object.keys(checks).length} checks hold`);
process.exit(failed ? 1 : 0);
