package wire

import (
	"net/http"
	"testing"
)

func TestAddress(t *testing.T) {
	for _, tt := range []struct {
		name, remote string
		trust        bool
		forwarded    []string
		want         string // empty: means nothing
	}{
		{"loopback", "127.0.0.1:5", false, nil, ""},
		{"loopback 6", "[::1]:5", false, nil, ""},
		{"mapped loopback", "[::ffff:127.0.0.1]:5", false, nil, ""},
		{"unix", "@", false, nil, ""},
		{"v4", "192.0.2.7:5", false, nil, "192.0.2.7"},
		{"mapped v4", "[::ffff:192.0.2.7]:5", false, nil, "192.0.2.7"},
		{"v6 by its /64", "[2001:db8:1:2:3:4:5:6]:5", false, nil, "2001:db8:1:2::"},
		{"zone", "[fe80::1%eth0]:5", false, nil, "fe80::"},
		{"header not trusted", "127.0.0.1:5", false, []string{"192.0.2.7"}, ""},
		{"header not trusted instead", "192.0.2.8:5", false, []string{"192.0.2.7"}, "192.0.2.8"},
		{"proxy", "127.0.0.1:5", true, []string{"192.0.2.7"}, "192.0.2.7"},
		{"proxy, forged first", "127.0.0.1:5", true, []string{"10.0.0.1, 192.0.2.7"}, "192.0.2.7"},
		{"proxy, forged line", "127.0.0.1:5", true, []string{"10.0.0.1", "192.0.2.7"}, "192.0.2.7"},
		{"proxy, loopback", "192.0.2.8:5", true, []string{"127.0.0.1"}, ""},
		{"proxy, nothing", "192.0.2.8:5", true, nil, ""},
		{"proxy, nonsense", "192.0.2.8:5", true, []string{"192.0.2.7, x"}, ""},
	} {
		r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{"X-Forwarded-For": tt.forwarded}}
		r = r.WithContext(withConn(t.Context(), &conn{door: &door{Door: Door{TrustProxy: tt.trust}}}))
		addr, means := Address(r)
		if means != (tt.want != "") || means && addr.String() != tt.want {
			t.Errorf("%s: got %v, %v, want %q", tt.name, addr, means, tt.want)
		}
	}
}

// Through real sockets: loopback and unix mean nothing, a trusted proxy's word does.
func TestServer_Address(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if addr, means := Address(r); means {
			w.Write([]byte(addr.String()))
		}
	})
	s := serveTest(t, h, ServeOptions{}, Door{TrustProxy: true})
	const req = "GET / HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n"
	c := s.call(s.tcp)
	c.send(req)
	c.want(200, "192.0.2.7")
	c = s.call(s.unix)
	c.send(req)
	c.want(200, "")
}
