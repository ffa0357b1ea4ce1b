package wire

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"restante/relay"
)

func ask(t *testing.T, o *Outgoing, where string, l OutgoingLimits) (*OutgoingAnswer, error) {
	t.Helper()
	req, err := http.NewRequest("GET", where, nil)
	if err != nil {
		t.Fatal(err)
	}
	return o.Do(req, l)
}

func TestOutgoing(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/file":
			http.Redirect(w, r, "ftp://x/", http.StatusFound)
		default:
			io.WriteString(w, strings.Repeat("a", 100)+r.Header.Get("Referer"))
		}
	}))
	defer srv.Close()
	o := NewOutgoing(OutgoingOptions{Private: true})
	if a, err := ask(t, o, srv.URL, OutgoingLimits{MaxBody: 10}); err != nil || !a.Cut || len(a.Body) != 10 {
		t.Errorf("a long answer: %+v, %v", a, err)
	}
	if a, err := ask(t, o, srv.URL+"/away", OutgoingLimits{Redirects: 1}); err != nil || a.URL.Path != "/end" || len(a.Body) != 100 {
		t.Errorf("a redirect: %+v, %v", a, err)
	}
	if a, err := ask(t, o, srv.URL+"/away", OutgoingLimits{}); err != nil || a.Status != 302 {
		t.Errorf("a redirect that is not followed: %+v, %v", a, err)
	}
	if _, err := ask(t, o, srv.URL+"/file", OutgoingLimits{Redirects: 1}); !relay.Is(err, relay.Forbidden) {
		t.Errorf("a redirect off the web: %v", err)
	}
	if _, err := ask(t, NewOutgoing(OutgoingOptions{}), srv.URL, OutgoingLimits{}); !relay.Is(err, relay.Forbidden) {
		t.Errorf("this machine: %v", err)
	}
	if _, err := ask(t, nil, srv.URL, OutgoingLimits{}); !relay.Is(err, relay.Forbidden) {
		t.Errorf("when it is off: %v", err)
	}
}

// The address is checked when dialling, whatever name led there.
func TestOutgoing_NameOfThisMachine(t *testing.T) {
	if _, err := ask(t, NewOutgoing(OutgoingOptions{}), "http://localhost/", OutgoingLimits{}); !relay.Is(err, relay.Forbidden) {
		t.Errorf("got %v", err)
	}
}

func TestOutgoing_MayAsk(t *testing.T) {
	o := NewOutgoing(OutgoingOptions{})
	for s, want := range map[string]bool{
		"https://example.org/x": true, "http://example.org:80/": true, "https://93.184.216.34/": true,
		"https://example.org:22/": false, "ftp://example.org/": false, "https://u:p@example.org/": false, "https:///x": false,
		"http://127.0.0.1/": false, "http://[::1]/": false, "http://10.0.0.1/": false, "http://169.254.169.254/": false, "http://[64:ff9b::7f00:1]/": false,
	} {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		if o.MayAsk(u) != want {
			t.Errorf("%s: may ask is %v", s, !want)
		}
	}
}

func TestPublic(t *testing.T) {
	for s, want := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "::ffff:8.8.8.8": true,
		"0.0.0.0": false, "100.64.1.1": false, "192.168.1.1": false, "172.16.0.1": false, "224.0.0.1": false, "255.255.255.255": false,
		"::": false, "fe80::1": false, "fd00::1": false, "::ffff:10.0.0.1": false, "2002:7f00:1::": false, "2001:db8::1": false, "ff02::1": false,
		"::127.0.0.1": false, "::ffff:0:127.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::%eth0": false, "64:ff9b::7f00:1%eth0": false,
	} {
		if public(netip.MustParseAddr(s)) != want {
			t.Errorf("%s: public is %v", s, !want)
		}
	}
}
