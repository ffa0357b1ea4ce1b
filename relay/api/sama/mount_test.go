package sama

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/relaytest"
)

// Below a prefix the socket opens at the prefix itself and with a slash behind
// it, and what is said of addresses and cookies has the prefix in it.
func TestMounted(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	svc := &wire.Service{Relay: r}
	srv := httptest.NewServer(wire.Mounted(http.NotFoundHandler(), wire.Mount{Prefix: "/sama", Handler: Family(Options{}).Handler(svc)}))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { svc.Sockets.Stop(context.Background()) })
	for _, path := range []string{"/sama", "/sama/"} {
		conn, _, err := websocket.Dial(t.Context(), srv.URL+path, nil)
		if err != nil {
			t.Fatal(path, err)
		}
		c := &client{t: t, conn: conn}
		login := "alice" + strings.ReplaceAll(path, "/", "_")
		c.ask("user_create", map[string]any{"login": login, "password": "secret"})
		c.ask("user_login", map[string]any{"login": login, "password": "secret", "device_id": "d"})
		file := c.ask("create_files", []map[string]any{{"name": "a", "size": 1, "content_type": "image/png"}})["files"].([]any)[0].(map[string]any)
		if to := file["upload_url"].(string); !strings.HasPrefix(to, srv.URL+"/sama/files/") {
			t.Errorf("upload to %s", to)
		}
		req, err := http.NewRequest(http.MethodPut, file["upload_url"].(string), strings.NewReader("x"))
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err != nil || resp.StatusCode != 200 {
			t.Error(resp, err)
		}
		resp, err := http.Post(srv.URL+"/sama/login", "application/json", strings.NewReader(`{"login":"`+login+`","password":"secret","device_id":"d"}`))
		if err != nil || resp.StatusCode != 200 || resp.Cookies()[0].Path != "/sama/" {
			t.Error(resp, err)
		}
		conn.CloseNow()
	}
}
