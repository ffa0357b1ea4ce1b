package jetico

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// A house is this API served on a real socket.
type house struct {
	t   testing.TB
	r   *relay.Relay
	svc *wire.Service
	url string
}

func build(t testing.TB, o Options, ro relay.Options, log io.Writer) *house {
	t.Helper()
	ro.NoLimits = true
	if ro.Dir == "" {
		ro.Dir = t.TempDir()
	}
	h := &house{t: t, r: relaytest.Open(t, ro.Dir, ro)}
	h.svc = &wire.Service{Relay: h.r, Purse: wire.NewPurse(0), Log: zerolog.New(log)}
	var mounted http.Handler
	srv := wire.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mounted.ServeHTTP(w, r) }), wire.ServeOptions{})
	h.svc.Server = srv
	mounted = Family(o).Handler(h.svc)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.url = "http://" + ln.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(ln) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nobody reads the good-byes
		h.svc.Sockets.Stop(ctx)
		srv.Shutdown(context.Background())
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		if n := h.r.Hub().Watching(); n != 0 {
			t.Errorf("%d watches are left", n)
		}
		if n := h.r.Presence().Count(); n != 0 {
			t.Errorf("%d are still present", n)
		}
	})
	return h
}

// user enrols a user id, with keys or without, and one application "app".
func (h *house) user(userID string, keys bool) {
	h.t.Helper()
	relaytest.Update(h.t, h.r, func(tx *relay.Tx) error {
		acc, err := accountOf(tx, userID)
		if err != nil {
			return err
		}
		a := &api{o: Options{}.withDefaults()}
		p := &pendingApp{Standin: newUUID(), Info: appInfo{Type: "android"}, Created: tx.Wall()}
		if err := a.admitApp(tx, acc, secretOf(userID, "app"), p); err != nil || !keys {
			return err
		}
		nick := "nick"
		return keyRings.Put(tx, acc.ID, &keyRing{
			Owner: acc.ID, Public: "public", Private: "private", Meta: "meta", Pair: newUUID(), Nick: &nick, Updated: relay.Time(tx.Now()),
		})
	})
}

// A peer is one connection.
type peer struct {
	h    *house
	user string
	conn *websocket.Conn
	news []frameIn // notifications that came before an answer
}

type frameIn struct {
	name string
	body json.RawMessage
}

// connect opens a connection that has not authenticated.
func (h *house) connect() *peer {
	h.t.Helper()
	conn, _, err := websocket.Dial(context.Background(), h.url+"/ws", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	conn.SetReadLimit(-1)
	h.t.Cleanup(func() { conn.CloseNow() })
	return &peer{h: h, conn: conn}
}

// join opens a connection of a user's application.
func (h *house) join(userID string) *peer {
	h.t.Helper()
	p := h.connect()
	p.user = userID
	p.want("ResponseStatusMessage", "RequestAuthenticationByApplication", m{"userId": userID, "uuid": "app"})
	return p
}

type m map[string]any

func (p *peer) read() (frameIn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, data, err := p.conn.Read(ctx)
	if err != nil {
		return frameIn{}, err
	}
	var f map[string]json.RawMessage
	if err := json.Unmarshal(data, &f); err != nil {
		return frameIn{}, err
	}
	delete(f, "id")
	for name, body := range f {
		return frameIn{name, body}, nil
	}
	return frameIn{}, errors.New("an empty frame")
}

// try sends a request and returns its answer. What is told before it is kept.
func (p *peer) try(name string, body any) (frameIn, error) {
	data, err := json.Marshal(m{name: body, "id": "q"})
	if err == nil {
		err = p.conn.Write(context.Background(), websocket.MessageText, data)
	}
	for err == nil {
		var f frameIn
		if f, err = p.read(); err == nil && !strings.Contains(f.name, "Notification") {
			return f, nil
		}
		p.news = append(p.news, f)
	}
	return frameIn{}, err
}

// ask is try, and fails the test where nothing is answered.
func (p *peer) ask(name string, body any) frameIn {
	p.h.t.Helper()
	f, err := p.try(name, body)
	if err != nil {
		p.h.t.Fatalf("%s: %v", name, err)
	}
	return f
}

// want is ask for an answer of a type, and success.
func (p *peer) want(reply, name string, body any) json.RawMessage {
	p.h.t.Helper()
	f := p.ask(name, body)
	if f.name != reply || reply == "ResponseStatusMessage" && bytes.Contains(f.body, []byte(`"status":"error"`)) {
		p.h.t.Fatalf("%s: got %s %s, want %s", name, f.name, f.body, reply)
	}
	return f.body
}

func (p *peer) ok(name string, body any) { p.h.t.Helper(); p.want("ResponseStatusMessage", name, body) }

// told returns the next notification of that name; others are passed over.
func (p *peer) told(name string) json.RawMessage {
	p.h.t.Helper()
	for {
		var f frameIn
		var err error
		if len(p.news) > 0 {
			f, p.news = p.news[0], p.news[1:]
		} else if f, err = p.read(); err != nil {
			p.h.t.Fatalf("waiting for %s: %v", name, err)
		}
		if f.name == name {
			return f.body
		}
	}
}

// http makes a request with the credentials of a user's application.
func (h *house) http(method, path, userID string, body io.Reader, size int64) *http.Response {
	h.t.Helper()
	req, err := http.NewRequest(method, h.url+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	req.ContentLength = size
	req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(secretOf(userID, "app"))))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { resp.Body.Close() })
	return resp
}

const testPair = "e925acd1-af66-4ac6-b700-0f0e0724f04e"

// value is a copy of a session key for somebody, signed by the peer.
func (p *peer) value(to string) m {
	return m{"keyEncryptedBase64": "key", "signatureBase64": "sig", "signerKeyPairUuid": testPair, "signerUserId": p.user, "userId": to}
}

// create opens a conversation of the peer's.
func (p *peer) create(uuid, key string, dialog bool, admins, members []string) {
	p.h.t.Helper()
	keys := func(ids []string) m {
		keys := m{}
		for _, id := range ids {
			keys[id] = "key"
		}
		return keys
	}
	p.want("ResponseCreateConversation", "RequestCreateConversationFull", m{
		"admins": keys(admins), "members": keys(members), "conversationUuid": uuid, "isDialog": dialog, "nickEncrypted": "nick",
		"sessionKeyUuid": key, "sessionKeyValue": p.value(p.user), "title": "title",
	})
}

// say sends a message.
func (p *peer) say(conversation, key, uuid string, files bool) {
	p.h.t.Helper()
	p.want("ResponseAddedMessage", "RequestAddMessage", m{
		"bodyEncryptedBase64": "body", "conversationUuid": conversation, "hasFiles": files, "ivBase64": "iv", "messageUuid": uuid,
		"sessionKeyUuid": key,
	})
}
