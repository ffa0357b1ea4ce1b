// A client of SAMA that uses what every browser has: fetch and WebSocket. It plays a page of another origin: it minds CORS as a
// browser does (a preflight before what is not simple, answers only to its own origin), keeps the refresh cookie, and follows
// the public web client from registration to logout. Usage: node client.mjs http://host:port https://its.origin
// It prints one line, "ok", or what went wrong.

const [base, origin] = process.argv.slice(2);
const fail = (what) => { throw new Error(what); };
const same = (got, want, what) => { if (JSON.stringify(got) !== JSON.stringify(want)) fail(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`); };

// A browser is what keeps a page's cookies and asks before it lets the page ask.
class Browser {
  cookies = new Map();

  async fetch(url, { method = 'GET', headers = {}, body, credentials } = {}) {
    const simple = ['GET', 'HEAD', 'POST'].includes(method) && !Object.keys(headers).some((name) => /^(authorization|content-type|device)/i.test(name));
    if (!simple) await this.preflight(url, method, Object.keys(headers));
    const sent = { ...headers, Origin: origin };
    if (credentials === 'include' && this.cookies.size) sent.Cookie = [...this.cookies].map(([k, v]) => `${k}=${v}`).join('; ');
    const answer = await fetch(url, { method, headers: sent, body });
    this.readable(answer, credentials === 'include', url);
    for (const line of answer.headers.getSetCookie()) {
      if (!/; HttpOnly/.test(line) || !/; SameSite=Lax/.test(line)) fail(`cookie: ${line}`);
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      /Max-Age=0/.test(line) ? this.cookies.delete(name) : this.cookies.set(name, value);
    }
    return answer;
  }

  async preflight(url, method, names) {
    const answer = await fetch(url, {
      method: 'OPTIONS',
      headers: { Origin: origin, 'Access-Control-Request-Method': method, 'Access-Control-Request-Headers': names.join(', ').toLowerCase() },
    });
    if (answer.status !== 204) fail(`preflight ${url}: ${answer.status}`);
    const list = (name) => (answer.headers.get(name) ?? '').toLowerCase().split(/, */);
    if (!list('access-control-allow-methods').includes(method.toLowerCase())) fail(`preflight: ${method} is not allowed`);
    for (const name of names) if (!list('access-control-allow-headers').includes(name.toLowerCase())) fail(`preflight: ${name} is not allowed`);
    this.readable(answer, false, url);
  }

  readable(answer, credentials, url) {
    same(answer.headers.get('access-control-allow-origin'), origin, `${url}: who may read`);
    if (credentials) same(answer.headers.get('access-control-allow-credentials'), 'true', `${url}: with credentials`);
  }
}

// A connection asks and listens, as the public SDK does.
class Connection {
  static async open() {
    const c = new Connection();
    c.events = [];
    c.waiting = [];
    c.asked = new Map();
    c.socket = new WebSocket(base.replace(/^http/, 'ws') + '/');
    c.socket.onmessage = ({ data }) => c.heard(JSON.parse(data));
    await new Promise((done, wrong) => { c.socket.onopen = done; c.socket.onerror = wrong; });
    return c;
  }

  heard(packet) {
    const answer = packet.response ?? (packet.message?._id ? null : packet.ask ?? packet.message);
    const id = packet.response?.id ?? packet.ask?.mid ?? packet.message?.id;
    if (answer && this.asked.has(id)) {
      const { done, wrong } = this.asked.get(id);
      this.asked.delete(id);
      answer.error ? wrong(new Error(answer.error.message)) : done(answer);
      return;
    }
    const next = this.waiting.shift();
    next ? next(packet) : this.events.push(packet);
  }

  send(packet, id) {
    return new Promise((done, wrong) => { this.asked.set(id, { done, wrong }); this.socket.send(JSON.stringify(packet)); });
  }

  ask(op, params) { const id = crypto.randomUUID(); return this.send({ request: { [op]: params, id } }, id); }

  say(message) { const id = crypto.randomUUID(); return this.send({ message: { id, ...message } }, id); }

  event() { return this.events.length ? Promise.resolve(this.events.shift()) : new Promise((done) => this.waiting.push(done)); }
}

const claims = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'));

async function login(browser, fields, headers = {}) {
  const answer = await browser.fetch(`${base}/login`, {
    method: 'POST', credentials: 'include', headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ organization_id: 'default', device_id: 'fingerprint', ...fields }),
  });
  if (!answer.ok) fail(`login: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

async function person(name) {
  const browser = new Browser();
  const connection = await Connection.open();
  const { user } = await connection.ask('user_create', { organization_id: 'default', login: name, email: name, password: 'password' });
  const session = await login(browser, { login: name, password: 'password' });
  same(session.user._id, user._id, 'who logged in');
  same(claims(session.access_token)._id, user._id, 'who the token says it is');
  if (session.expired_at <= Date.now()) fail('the token has expired already');
  same(await connection.ask('connect', { token: session.access_token, device_id: 'fingerprint' }).then((a) => a.success), true, 'connect');
  return { browser, connection, session, id: user._id };
}

async function main() {
  const alice = await person('alice');
  const bob = await person('bob');

  const { conversation } = await alice.connection.ask('conversation_create', { type: 'u', participants: [bob.id] });
  same(Object.keys((await bob.connection.event()).system_message.x), ['conversation_created'], 'told of the conversation');

  const { files: [file] } = await alice.connection.ask('create_files', [{ name: 'a.png', size: 4, content_type: 'image/png' }]);
  const put = await alice.browser.fetch(file.upload_url, { method: 'PUT', headers: { 'Content-Type': file.content_type }, body: 'four' });
  same(put.status, 200, 'upload');
  const receipt = await alice.connection.say({ cid: conversation._id, body: 'größe 😀', attachments: [{ file_id: file.object_id, file_name: 'a.png' }] });
  const { message } = await bob.connection.event();
  same([message._id, message.t, message.from, message.body], [receipt.server_mid, receipt.t, alice.id, 'größe 😀'], 'the message');
  const { file_urls: urls } = await bob.connection.ask('get_file_urls', { file_ids: [message.attachments[0].file_id] });
  const got = await bob.browser.fetch(urls[file.object_id]);
  same([await got.text(), got.headers.get('content-type')], ['four', 'image/png'], 'download');
  await bob.connection.ask('message_read', { cid: conversation._id });
  same((await alice.connection.event()).message_read.ids, [receipt.server_mid], 'the receipt of reading');

  // Another tab of the same browser, and the first goes on.
  const tab = await Connection.open();
  await tab.ask('connect', { token: alice.session.access_token, device_id: 'fingerprint' });
  await tab.say({ cid: conversation._id, body: 'from the other tab' });
  same((await alice.connection.event()).message.body, 'from the other tab', 'the carbon');

  // The access token is gone: the cookie alone does. Then good-bye; the connection stays, and is nobody's.
  const again = await login(alice.browser, {});
  const out = await alice.browser.fetch(`${base}/logout`, { method: 'POST', credentials: 'include', headers: { Authorization: `Bearer ${again.access_token}` } });
  same([out.status, await out.json(), alice.browser.cookies.size], [200, { success: true }, 0], 'logout');
  same(await alice.connection.ask('conversation_list', {}).catch((e) => e.message), 'Unauthorized.', 'after logging out');

  // Another origin is turned away.
  same((await fetch(`${base}/login`, { method: 'POST', headers: { Origin: 'https://evil.example' } })).status, 403, 'another origin');
}

setTimeout(() => { console.log('nothing happens any more'); process.exit(1); }, 20_000).unref();
main().then(() => { console.log('ok'); process.exit(0); }, (e) => { console.log(e.message); process.exit(1); });
