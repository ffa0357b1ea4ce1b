package dishis

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"restante/relay"
	"restante/relay/relaytest"
)

// A line is a client of the events by WebSocket, written by hand.
type line struct {
	t    testing.TB
	conn *websocket.Conn
}

// listen lets a user in.
func (h *house) listen(u user) *line {
	h.t.Helper()
	conn, _, err := websocket.Dial(context.Background(), h.url+"/socket.io/?EIO=4&transport=websocket", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	l := &line{h.t, conn}
	h.t.Cleanup(func() { conn.CloseNow() })
	l.next("0{")
	l.say(`40{"token":"` + u.token + `"}`)
	l.next("40{")
	l.say(`421["barrier"]`) // its first turn is over when it is answered
	l.next("431[")
	return l
}

func (l *line) say(s string) {
	l.t.Helper()
	if err := l.conn.Write(context.Background(), websocket.MessageText, []byte(s)); err != nil {
		l.t.Fatal(err)
	}
}

// next returns the next message, which has to begin so.
func (l *line) next(prefix string) string {
	l.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	_, data, err := l.conn.Read(ctx)
	if err != nil {
		l.t.Fatalf("want %s: %v", prefix, err)
	}
	if !strings.HasPrefix(string(data), prefix) {
		l.t.Fatalf("got %s, want %s", data, prefix)
	}
	return string(data)
}

// Of too many sockets of one user the oldest goes, and the others go on.
func TestSockets_OldestGoes(t *testing.T) {
	h := build(t, t.TempDir(), relay.Options{})
	anna, bert := h.register("anna"), h.register("bert")
	oldest := h.listen(anna)
	var others []*line
	for range maxSockets {
		others = append(others, h.listen(anna))
	}
	oldest.next("41")
	h.must(bert, "POST", "/api/messages/send", fields{"recipientId": anna.id, "encryptedContent": sealed})
	for _, l := range others {
		l.next(`42["new_message"`)
	}
	if !h.r.Presence().Present(h.accountOf(anna).ID) {
		t.Error("not present")
	}
}

// A user who only ever listens has used the account.
func TestSockets_Use(t *testing.T) {
	clock := &relaytest.Clock{}
	h := build(t, t.TempDir(), relay.Options{Now: clock.Now})
	anna, bert := h.register("anna"), h.register("bert")
	h.listen(anna)
	clock.Advance(40 * 24 * time.Hour)
	if err := h.r.RunDue(context.Background()); err != nil {
		t.Fatal(err)
	}
	if data := h.must(anna, "GET", "/api/users/search?username=anna", nil); data["userId"] != anna.id {
		t.Errorf("found %v", data)
	}
	if status, _ := h.ask(bert, "GET", "/api/users/search?username=bert", nil); status != 401 {
		t.Errorf("who never called is still there: %d", status)
	}
}

// Whoever reads hears each of many messages once and in order, and the pages of
// the history have them all.
func TestSockets_Many(t *testing.T) {
	h := build(t, t.TempDir(), relay.Options{})
	anna, bert := h.register("anna"), h.register("bert")
	l := h.listen(anna)
	const many = 500
	var sent []string
	done := make(chan []string)
	go func() {
		var heard []string
		for range many {
			_, data, err := l.conn.Read(context.Background())
			if err != nil {
				break
			}
			_, rest, _ := strings.Cut(string(data), `"messageId":"`)
			id, _, _ := strings.Cut(rest, `"`)
			heard = append(heard, id)
		}
		done <- heard
	}()
	for range many {
		data := h.must(bert, "POST", "/api/messages/send", fields{"recipientId": anna.id, "encryptedContent": sealed})
		sent = append(sent, data["messageId"].(string))
	}
	if heard := <-done; !slices.Equal(heard, sent) {
		t.Errorf("heard %d of %d, or in another order", len(heard), many)
	}
	var read []string
	for before := ""; len(read) < many; {
		list := h.must(anna, "GET", "/api/messages/"+anna.id+"/"+bert.id+"?limit=97"+before, nil)["list"].([]any)
		if len(list) == 0 {
			break
		}
		for _, m := range list {
			read = append(read, m.(map[string]any)["messageId"].(string))
		}
		before = "&before=" + list[len(list)-1].(map[string]any)["sentAt"].(string)
	}
	slices.Reverse(read)
	if !slices.Equal(read, sent) {
		t.Errorf("read %d of %d, or in another order", len(read), many)
	}
}
