package wire

import (
	"net/http"
	"net/netip"
	"strings"
)

// Address is where a request comes from, and whether that means anything. Loopback and unix sockets do not: Tor brings everybody
// that way. On a listener that trusts its proxy the last entry of X-Forwarded-For counts, which the proxy wrote itself;
// elsewhere such headers are anybody's. An IPv6 caller is known by its /64, of which anybody has a whole one. It is for
// limits only, and must not be logged or kept.
func Address(r *http.Request) (addr netip.Addr, means bool) { return addressOf(r, connOf(r)) }

func addressOf(r *http.Request, c *conn) (addr netip.Addr, means bool) {
	text := r.RemoteAddr
	if c != nil && c.door.TrustProxy {
		text = lastValue(r.Header, "X-Forwarded-For")
	}
	addr, err := netip.ParseAddr(hostname(text))
	if err != nil {
		return netip.Addr{}, false
	}
	addr = addr.Unmap().WithZone("")
	if addr.IsLoopback() || addr.IsUnspecified() {
		return netip.Addr{}, false
	}
	if addr.Is6() {
		p, _ := addr.Prefix(64) // 64 is a valid length
		addr = p.Addr()
	}
	return addr, true
}

// lastValue is the last entry of a header that lists.
func lastValue(h http.Header, name string) string {
	values := h.Values(name)
	if len(values) == 0 {
		return ""
	}
	last := values[len(values)-1]
	return strings.TrimSpace(last[strings.LastIndex(last, ",")+1:])
}
