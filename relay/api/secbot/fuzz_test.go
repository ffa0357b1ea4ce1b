package secbot

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// A desk is this API without a socket, for fuzzing.
type desk struct {
	t    testing.TB
	h    http.Handler
	u    user
	fill *strings.Replacer // puts real ids and a token where a body says so
}

func newDesk(t testing.TB) *desk {
	r := relaytest.New(t, relay.Options{NoLimits: true, BoxEntries: 50})
	cfg := Config{MaxCryptoData: 100, MaxContent: 200, MaxBody: 2000, LongPoll: time.Microsecond}
	d := &desk{t: t, h: Family(cfg).Handler(&wire.Service{Relay: r})}
	var u struct{ UserID, AuthToken string }
	var g struct{ GroupID string }
	json.Unmarshal(d.do("/register", nil, nil).Body.Bytes(), &u)
	d.u = user{u.UserID, u.AuthToken}
	in, _ := json.Marshal(d.u.as(fields{}))
	json.Unmarshal(d.do("/register2", in, nil).Body.Bytes(), &g)
	if u.AuthToken == "" || g.GroupID == "" {
		t.Fatal("no account, or no group")
	}
	d.fill = strings.NewReplacer("@user", u.UserID, "@token", u.AuthToken, "@group", g.GroupID)
	return d
}

func (d *desk) do(path string, body []byte, head http.Header) *httptest.ResponseRecorder {
	req := httptest.NewRequest("POST", path, bytes.NewReader(body))
	if head != nil {
		req.Header = head
	}
	w := httptest.NewRecorder()
	d.h.ServeHTTP(w, req)
	return w
}

// says is every word that an error may consist of: none of it is a client's.
var says = regexp.MustCompile(`^(bad JSON(: (a name stands twice|not an object))?|JSON nested too deep|body too large` +
	`|(missing|bad) field: (object|userId|fromUserId|authToken|toUserId|toId|groupId|groupIds(\.\d+)?|protocol|algorithm|cryptoData|encContent|lastMessageTimestamp|forgetUntil|Idempotency-Key)` +
	`|(cryptoData|encContent) too large|unauthorized|no such user or group|mailbox full|the same key was used for something else)` + "\n$")

// FuzzBody sends any bytes to every path. Nothing breaks, and no answer repeats
// what it was told.
func FuzzBody(f *testing.F) {
	const caller = `"userId":"@user","fromUserId":"@user","authToken":"@token"`
	for i := range len(paths) + 1 {
		f.Add(uint8(i), `{`+caller+`,"toId":"@user","toUserId":"@user","groupId":"@group","groupIds":["@group","@user"],"protocol":"p","algorithm":"a","cryptoData":"c","encContent":"e","lastMessageTimestamp":0,"forgetUntil":1}`)
		f.Add(uint8(i), `{`+caller+`,"object":"x","groupIds":[null],"lastMessageTimestamp":1e3}`)
	}
	f.Add(uint8(5), `{`+caller+`,"toId":"@group","encContent":"\ud83d\ude00\u0000<&>"}`)
	f.Add(uint8(2), `{`+caller+`,"lastMessageTimestamp":9007199254740992}`)
	f.Add(uint8(9), `{`+caller+`,"groupIds":[],"groupIds":[]}`)
	f.Add(uint8(0), "\xff")
	d := newDesk(f)
	all := append([]string{"/register"}, paths...)
	f.Fuzz(func(t *testing.T, n uint8, body string) {
		path := all[int(n)%len(all)]
		w := d.do(path, []byte(d.fill.Replace(body)), nil)
		switch got := w.Body.String(); {
		case w.Code >= 500 && w.Code != http.StatusInsufficientStorage:
			t.Fatalf("%s: %d %q", path, w.Code, got)
		case w.Code != 200 && !says.MatchString(got):
			t.Fatalf("%s: %d %q", path, w.Code, got)
		case w.Code == 200 && path != "/register" && strings.Contains(got, d.u.Token):
			t.Fatalf("%s gives a token away: %q", path, got)
		case w.Code == 200 && strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") && !json.Valid(w.Body.Bytes()):
			t.Fatalf("%s: %q is no JSON", path, got)
		}
	})
}

// What is posted comes back as it was.
func FuzzContent(f *testing.F) {
	for _, s := range []string{"x", "\x00", "\U0001f600 <&>\u2028", `"\`, "\ufffd", strings.Repeat("é", 100)} {
		f.Add(s, "p")
	}
	d := newDesk(f)
	f.Fuzz(func(t *testing.T, content, label string) {
		in, err := json.Marshal(d.u.from(fields{"toUserId": d.u.ID, "protocol": label, "cryptoData": content}))
		if err != nil || len(in) > 2000 {
			return
		}
		var sent struct{ Protocol, CryptoData string } // as JSON has them: what was no UTF-8 is something else there
		json.Unmarshal(in, &sent)
		want := 200
		switch {
		case sent.CryptoData == "" || sent.Protocol == "" || len(sent.Protocol) > 64:
			want = 400
		case len(sent.CryptoData) > 100:
			want = 413
		}
		if w := d.do("/connect", in, nil); w.Code != want {
			t.Fatalf("%d %q, want %d", w.Code, w.Body, want)
		}
		if want != 200 {
			return
		}
		read, _ := json.Marshal(d.u.as(fields{}))
		var got struct {
			FriendRequests []struct {
				Protocol, CryptoData string
				Timestamp            int64
			}
		}
		w := d.do("/receive", read, nil)
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || len(got.FriendRequests) != 1 {
			t.Fatalf("%q: %v", w.Body, err)
		}
		if g := got.FriendRequests[0]; g.Protocol != sent.Protocol || g.CryptoData != sent.CryptoData {
			t.Fatalf("got %+v, want %+v", g, sent)
		}
		forget, _ := json.Marshal(d.u.as(fields{"forgetUntil": got.FriendRequests[0].Timestamp}))
		d.do("/receive", forget, nil)
	})
}

// FuzzHeaders sends any key and any preference.
func FuzzHeaders(f *testing.F) {
	for _, s := range []string{"key", "", " ", "\x7f", "wait=0", `wait="1`, "wait=99999999999999999999", "a;b,c=d;wait=1", "=,;", "\xff"} {
		f.Add(s, s)
	}
	d := newDesk(f)
	post, _ := json.Marshal(d.u.from(fields{"toId": d.u.ID, "encContent": "x"}))
	wait, _ := json.Marshal(d.u.as(fields{"lastMessageTimestamp": maxCursor}))
	visible := regexp.MustCompile(`^[!-~]{1,128}$`)
	f.Fuzz(func(t *testing.T, key, prefer string) {
		want := 400
		if visible.MatchString(key) {
			want = 200
		}
		head := http.Header{"Idempotency-Key": {key}, "Prefer": {prefer}, "Authorization": {key}}
		if w := d.do("/postmsg", post, head); w.Code != want && w.Code != http.StatusInsufficientStorage {
			t.Fatalf("key %q: %d %q", key, w.Code, w.Body)
		}
		if w := d.do("/longpoll", wait, head); w.Code != 200 || w.Body.Len() != 0 {
			t.Fatalf("prefer %q: %d %q", prefer, w.Code, w.Body)
		}
		if w := d.do("/register", nil, head); w.Code != 200 && w.Code != 403 {
			t.Fatalf("authorization %q: %d %q", key, w.Code, w.Body)
		}
	})
}
