package chatalot

import (
	"net/http"
	"strings"
	"time"

	"restante/ratelimit"
	"restante/relay"
	"restante/relay/api/wire"
)

// Headers of every answer. The policy is as wide as the web client needs it: it
// runs WebAssembly, talks to /ws and shows pictures it has made itself. A
// desktop shell shows the page in a frame, so frames are ruled by the policy
// alone.
var headers = map[string]string{
	"X-Content-Type-Options":    "nosniff",
	"Referrer-Policy":           "strict-origin-when-cross-origin",
	"X-XSS-Protection":          "1; mode=block",
	"Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload",
	"Permissions-Policy":        "camera=(self), microphone=(self), geolocation=()",
	"Content-Security-Policy": strings.Join([]string{
		"default-src 'self'",
		"script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:",
		"style-src 'self' 'unsafe-inline'",
		"connect-src 'self' ws: wss: https://cdn.jsdelivr.net",
		"img-src 'self' data: blob: https://media0.giphy.com https://media1.giphy.com https://media2.giphy.com " +
			"https://media3.giphy.com https://media4.giphy.com",
		"media-src 'self' blob:",
		"worker-src 'self' blob:",
		"frame-ancestors 'self' tauri://localhost",
		"base-uri 'self'",
		"form-action 'self'",
		"object-src 'none'",
	}, "; "),
}

// rates are the limits of this API for one address, where an address means
// something; the relay's own hold besides. Nil ones refuse nothing.
type rates struct {
	requests *ratelimit.Limiter // of every kind
	auth     *ratelimit.Limiter // under /api/auth/
	hooks    *ratelimit.Limiter // posts of one webhook, by its token
}

const addressesKept = 1 << 14

func newRates(o Options) rates {
	if o.NoLimits {
		return rates{}
	}
	return rates{
		requests: ratelimit.New(ratelimit.PerSecond(20, 50), addressesKept),
		auth:     ratelimit.New(ratelimit.PerSecond(5, 10), addressesKept),
		hooks:    ratelimit.New(ratelimit.PerSecond(webhookPace, webhookPace), hooksKept),
	}
}

// arrive dresses every answer, and counts the request by its address. Behind Tor
// everybody comes from one, which therefore means nothing.
func (a *api) arrive(c *wire.Call) error {
	for name, value := range headers {
		c.SetHeader(name, value)
	}
	addr, means := wire.Address(c.Request())
	if !means {
		return nil
	}
	key := addr.As16()
	if strings.HasPrefix(c.Request().URL.Path, "/api/auth/") {
		if ok, _ := a.rates.auth.Allow(key[:]); !ok {
			return relay.Later(5*time.Second, "too many requests, try again in 5 seconds")
		}
	}
	if ok, _ := a.rates.requests.Allow(key[:]); !ok {
		return relay.Later(time.Second, "too many requests, try again in 1 second")
	}
	return nil
}

// lost answers what no row serves.
func (a *api) lost(c *wire.Call, allowed []string) wire.Reply {
	if a.o.Web != "" { // whose row has all paths
		allowed = a.methods(c.Request().URL.Path)
		c.SetHeader("Allow", strings.Join(allowed, ", "))
	}
	if len(allowed) > 0 {
		return wire.Reply{Status: http.StatusMethodNotAllowed, Body: newError("method not allowed", "method_not_allowed")}
	}
	return wire.Reply{Status: http.StatusNotFound, Body: newError("not found", "not_found")}
}
