package engineio_test

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"restante/relay/api/wire/engineio"
)

// Many clients connect, talk, upgrade and go in whatever order, while the server
// sends and closes at bad moments: every handler is told of its end once, after
// everything else, and nothing is left.
func TestHammer(t *testing.T) {
	var opened, closed, wrong atomic.Int32
	open := func(s *engineio.Session) engineio.Handler {
		opened.Add(1)
		over := false // of the handler's turns
		go func() {
			for range rand.IntN(20) {
				s.Send(engineio.Message{Data: []byte("news")}, engineio.Message{Data: []byte{1}, Binary: true})
				time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
			}
			switch rand.IntN(4) {
			case 0:
				s.Close()
			case 1:
				s.Abort(engineio.ParseError)
			case 2:
				s.Turn(func() {
					if over {
						wrong.Add(1)
					}
				})
			}
		}()
		return hammered{
			receive: func(data []byte, binary bool) {
				if over {
					wrong.Add(1)
				}
				s.Send(engineio.Message{Data: data, Binary: binary})
			},
			closed: func(engineio.Reason) {
				if over {
					wrong.Add(1)
				}
				over = true
				closed.Add(1)
			},
		}
	}
	b := newBudget(1 << 30)
	v := engineio.NewServer(engineio.Options{
		Budget: b, QueuePackets: 30, Linger: 20 * time.Millisecond, PingInterval: 20 * time.Millisecond, PingTimeout: 30 * time.Millisecond,
		UpgradeTimeout: 30 * time.Millisecond, MaxSessions: 24,
	}, open)
	srv := httptest.NewServer(v)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 25 {
				visit(srv.URL + "/?EIO=4&transport=")
			}
		})
	}
	all.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	v.Shutdown(ctx)
	srv.Close()
	if v.Len() != 0 || opened.Load() != closed.Load() || wrong.Load() != 0 || opened.Load() == 0 {
		t.Errorf("%d sessions are left, %d were opened, %d closed, %d calls came after the end", v.Len(), opened.Load(), closed.Load(), wrong.Load())
	}
	if n := b.left.Load(); n != 1<<30 {
		t.Errorf("%d bytes were not given back", 1<<30-n)
	}
}

type hammered struct {
	receive func([]byte, bool)
	closed  func(engineio.Reason)
}

func (h hammered) Receive(data []byte, binary bool) { h.receive(data, binary) }
func (h hammered) Closed(why engineio.Reason)       { h.closed(why) }

// visit is one client, which minds nothing.
func visit(url string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(60))*time.Millisecond)
	defer cancel()
	call := func(method, query, body string) string {
		req, _ := http.NewRequestWithContext(ctx, method, url+query, strings.NewReader(body))
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return ""
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return string(b)
	}
	talk := func(query string, says ...string) {
		c, _, err := websocket.Dial(ctx, strings.Replace(url, "http", "ws", 1)+query, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		for _, s := range says {
			c.Write(ctx, websocket.MessageText, []byte(s))
		}
		for err == nil {
			_, _, err = c.Read(ctx)
		}
	}
	if rand.IntN(3) == 0 {
		talk("websocket", "4a", "3", "4b", []string{"1", "abc", "4c", "3"}[rand.IntN(4)])
		return
	}
	parts := strings.Split(call("GET", "polling", ""), `"`)
	if len(parts) < 4 {
		return
	}
	query := "&sid=" + parts[3]
	var all sync.WaitGroup
	for range rand.IntN(2) + 1 { // sometimes one poll too many
		all.Go(func() {
			for ctx.Err() == nil && call("GET", "polling"+query, "") != "" {
			}
		})
	}
	all.Go(func() { call("POST", "polling"+query, []string{"4a\x1ebAQID", "3", "1", "abc"}[rand.IntN(4)]) })
	if rand.IntN(2) == 0 {
		all.Go(func() { talk("websocket"+query, "2probe", "5", "4c", "3") })
	}
	all.Wait()
}
