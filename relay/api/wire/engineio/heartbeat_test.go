package engineio_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"restante/relay/api/wire/engineio"
)

// A clocked client polls without a network, in a bubble.
type clocked struct {
	t  *testing.T
	v  *engineio.Server
	q  string
	at time.Time
}

func (c *clocked) do(method, body string) (status int, answer string) {
	w := httptest.NewRecorder()
	c.v.ServeHTTP(w, httptest.NewRequest(method, "/engine.io/?EIO=4&transport=polling"+c.q, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

// want calls and compares the answer, and the time since the last one.
func (c *clocked) want(method, body string, status int, answer string, after time.Duration) {
	c.t.Helper()
	gotStatus, got := c.do(method, body)
	took := time.Since(c.at)
	c.at = time.Now()
	if gotStatus != status || answer != "" && got != answer || took != after {
		c.t.Fatalf("%s %q: got %d %q after %v, want %d %q after %v", method, body, gotStatus, got, took, status, answer, after)
	}
}

func bubble(t *testing.T, open func(*engineio.Session) engineio.Handler, fn func(c *clocked)) {
	synctest.Test(t, func(t *testing.T) {
		c := &clocked{t: t, v: engineio.NewServer(engineio.Options{}, open), at: time.Now()}
		_, body := c.do("GET", "")
		c.q = "&sid=" + strings.Split(body, `"`)[3]
		fn(c)
		c.v.Shutdown(t.Context())
	})
}

func TestHeartbeat(t *testing.T) {
	bubble(t, newEcho, func(c *clocked) {
		for range 3 {
			c.want("GET", "", 200, "2", 25*time.Second)
			time.Sleep(19 * time.Second)
			c.want("POST", "3", 200, "ok", 19*time.Second) // the next is timed from the pong
		}
	})
}

func TestHeartbeat_NoPong(t *testing.T) {
	open, _, closed := one(nil)
	bubble(t, open, func(c *clocked) {
		c.want("GET", "", 200, "2", 25*time.Second)
		c.want("GET", "", 200, "1", 20*time.Second)
		c.want("GET", "", 400, "", 0)
		wantReason(t, closed, engineio.PingTimeout)
	})
}

// A client that never comes back holds nothing for longer than it may be silent.
func TestHeartbeat_NobodyPolls(t *testing.T) {
	bubble(t, newEcho, func(c *clocked) {
		time.Sleep(45*time.Second - 1)
		synctest.Wait()
		if n := c.v.Len(); n != 1 {
			t.Errorf("%d sessions before the time", n)
		}
		time.Sleep(1)
		synctest.Wait()
		if n := c.v.Len(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
	})
}

// Only a pong is one, and one that nobody asked for is none.
func TestHeartbeat_OnlyPongs(t *testing.T) {
	bubble(t, newEcho, func(c *clocked) {
		c.want("POST", "3", 200, "ok", 0)
		c.want("GET", "", 200, "2", 25*time.Second)
		time.Sleep(10 * time.Second)
		c.want("POST", "4hello", 200, "ok", 10*time.Second)
		c.want("GET", "", 200, "4hello", 0)
		c.want("GET", "", 200, "1", 10*time.Second)
	})
}

// While the handler is busy we do not hear the client, so its silence means
// nothing.
func TestHeartbeat_BusyHandler(t *testing.T) {
	open, _, _ := one(func(s *engineio.Session, data []byte) {
		time.Sleep(time.Minute)
		s.Send(engineio.Message{Data: data})
	})
	bubble(t, open, func(c *clocked) {
		done := make(chan int)
		go func() { status, _ := c.do("POST", "4slow\x1e3"); done <- status }()
		c.want("GET", "", 200, "2", 25*time.Second)
		c.want("GET", "", 200, "4slow", 35*time.Second)
		if status := <-done; status != 200 {
			t.Errorf("the post got %d", status)
		}
	})
}
