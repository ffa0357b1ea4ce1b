package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"restante/relay"
)

// Outgoing asks other servers on behalf of users: push services, link previews.
// It is the only way out, and off unless the operator turned it on, so that a
// hidden service stays hidden. The address is checked when dialling, after the
// name was resolved, and so is that of each redirect: nobody reaches the
// operator's own network through it. Nil refuses everything.
type Outgoing struct {
	client  *http.Client
	anybody bool // private addresses, too
}

// OutgoingOptions say how the relay asks other servers.
type OutgoingOptions struct {
	// Proxy is a SOCKS5 proxy (socks5://host:port), as Tor is one. It resolves
	// names, and reaches what it will: addresses are not checked here then.
	Proxy *url.URL
	// Private lets it reach private addresses, for tests.
	Private bool
}

// OutgoingLimits bound one request.
type OutgoingLimits struct {
	Timeout   time.Duration // of all of it (10 s)
	MaxBody   int64         // bytes of the answer that are read (1 MiB); the rest is cut off
	Redirects int           // that are followed
}

// An OutgoingAnswer is what another server answered.
type OutgoingAnswer struct {
	Status int
	Header http.Header
	Body   []byte
	URL    *url.URL // after redirects
	Cut    bool     // there was more
}

// errAddress: the address is not one that a stranger may have us ask.
var errAddress = errors.New("not a public address")

// NewOutgoing returns a way out.
func NewOutgoing(o OutgoingOptions) *Outgoing {
	d := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil || !o.Private && !public(at.Addr()) {
			return errAddress
		}
		return nil
	}}
	t := &http.Transport{
		DialContext: d.DialContext, ForceAttemptHTTP2: true,
		MaxIdleConns: 4, IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 10 * time.Second,
		ResponseHeaderTimeout: 20 * time.Second, MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
	}
	if o.Proxy != nil {
		t.Proxy = http.ProxyURL(o.Proxy)
		t.DialContext = (&net.Dialer{Timeout: 10 * time.Second}).DialContext // to the proxy
	}
	return &Outgoing{client: &http.Client{Transport: t}, anybody: o.Private}
}

// public reports whether an address is somebody's on the open internet: not
// this machine, its networks, or a number with a meaning of its own.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !assigned.Contains(a) {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// assigned is what of IPv6 is anybody's. It holds no address with a zone, which
// is an interface of this machine; neither does any range in reserved, so that
// it has to be asked.
var assigned = netip.MustParsePrefix("2000::/3")

// reserved are the ranges that net/netip takes for global (IANA's registries of
// special-purpose addresses). NAT64, 6to4 and Teredo carry an IPv4 address that
// may be private.
var reserved = func() (list []netip.Prefix) {
	for _, p := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24",
		"203.0.113.0/24", "240.0.0.0/4", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
		"3fff::/20", "5f00::/16", "fec0::/10",
	} {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}()

// Do asks another server. Forbidden: outgoing requests are off, or the URL is
// not one of the open web. Busy: it cannot be reached, or takes too long.
func (o *Outgoing) Do(req *http.Request, l OutgoingLimits) (*OutgoingAnswer, error) {
	if o == nil {
		return nil, relay.Errorf(relay.Forbidden, relay.SubjectNone, "outgoing requests are off on this relay")
	}
	if !o.MayAsk(req.URL) {
		return nil, errNotWeb
	}
	ctx, cancel := context.WithTimeout(req.Context(), or(l.Timeout, 10*time.Second))
	defer cancel()
	req = req.WithContext(ctx)
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "restante")
	}
	client := *o.client
	client.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		switch {
		case len(via) > l.Redirects:
			return http.ErrUseLastResponse
		case !o.MayAsk(next.URL):
			return errAddress
		}
		next.Header.Del("Referer") // where we were is nobody's business
		return nil
	}
	resp, err := client.Do(req)
	if err != nil {
		if errors.Is(err, errAddress) {
			return nil, errNotWeb
		}
		return nil, errUnreachable
	}
	defer resp.Body.Close()
	limit := l.MaxBody
	if limit == 0 {
		limit = 1 << 20
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, errUnreachable
	}
	cut := int64(len(body)) > limit
	return &OutgoingAnswer{resp.StatusCode, resp.Header, body[:min(int64(len(body)), limit)], resp.Request.URL, cut}, nil
}

var (
	errNotWeb      = relay.Errorf(relay.Forbidden, relay.SubjectNone, "not an address on the open web")
	errUnreachable = &relay.Error{Code: relay.Busy, Text: "the other server cannot be reached", RetryAfter: time.Minute}
)

// MayAsk reports whether a URL is one of the open web, as far as that can be
// told before dialling: http or https, no credentials, no address of the
// operator's own network.
func (o *Outgoing) MayAsk(u *url.URL) bool {
	if o == nil || u == nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return false
	}
	if o.anybody {
		return true
	}
	if port := u.Port(); port != "" && port != "80" && port != "443" {
		return false // no poking at other services
	}
	at, err := netip.ParseAddr(u.Hostname())
	return err != nil || public(at)
}
