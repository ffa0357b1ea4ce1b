package secbot_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/api/secbot"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// A counter is the handler of this API with one user and one group, without
// sockets, limits or a disk that syncs: what is left is the relay's own work.
type counter struct {
	h           http.Handler
	user, group relay.ID
	last        relay.Time // of the group
}

const token = "5eed"

func newCounter(b *testing.B, messages int) *counter {
	r := relaytest.New(b, relay.Options{NoLimits: true})
	c := &counter{h: secbot.Family(secbot.Config{}).Handler(&wire.Service{Relay: r})}
	relaytest.Update(b, r, func(tx *relay.Tx) error {
		a, err := tx.Register(relay.AccountDraft{Family: "secbot", Mailbox: true})
		if err != nil {
			return err
		}
		room, err := tx.OpenFor(a.ID, "secbot")
		c.user, c.group = a.ID, room.ID
		if err != nil {
			return err
		}
		return tx.Grant(token, relay.Token{Account: a.ID, Family: "secbot"})
	})
	for left := messages; left > 0; left -= 1000 {
		relaytest.Update(b, r, func(tx *relay.Tx) error {
			for range min(left, 1000) {
				if _, err := tx.Post(c.user, c.group, relay.Draft{Kind: "message", Body: []byte(strings.Repeat("x", 256))}); err != nil {
					return err
				}
			}
			return nil
		})
	}
	relaytest.View(b, r, func(tx *relay.Tx) error { c.last = relay.Time(tx.Now()); return nil })
	return c
}

func (c *counter) do(b *testing.B, path, body string) {
	w := httptest.NewRecorder()
	c.h.ServeHTTP(w, httptest.NewRequestWithContext(context.Background(), "POST", path, strings.NewReader(body)))
	if w.Code != http.StatusOK {
		b.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
}

// Ten entries after a cursor cost the same, however many lie before it.
func BenchmarkPollGroup_TenOf(b *testing.B) {
	for _, n := range []int{100, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := newCounter(b, n)
			body := fmt.Sprintf(`{"userId":"%s","authToken":"%s","groupId":"%s","lastMessageTimestamp":%d}`,
				c.user, token, c.group, c.last-10)
			b.ReportAllocs()
			for b.Loop() {
				c.do(b, "/pollgroup", body)
			}
		})
	}
}

// A post without the disk's part of it.
func BenchmarkPostMessage(b *testing.B) {
	c := newCounter(b, 1)
	body := fmt.Sprintf(`{"fromUserId":"%s","authToken":"%s","toId":"%s","encContent":"%s"}`,
		c.user, token, c.user, strings.Repeat("x", 1024))
	b.ReportAllocs()
	for i := 0; b.Loop() && i < 90_000; i++ {
		c.do(b, "/postmsg", body)
	}
}
