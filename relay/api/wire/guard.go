package wire

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

const textPlain = "text/plain; charset=utf-8"

// A Guard turns browsers away that a foreign page, or a foreign name for this address, sent here. A web page may send requests to
// any address its reader's machine reaches; two headers it cannot forge give it away. Programs like curl set one and omit the other.
type Guard struct {
	Names   []string                       // host names that are ours
	Origins func(r *http.Request) []string // web origins that may use what r asks for; nil: none
}

// Wrap guards a handler that no Server serves. A Server guards what it serves itself.
func (g Guard) Wrap(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if g.pass(w, r) {
			h.ServeHTTP(w, r)
		}
	})
}

// pass reports whether the request may come in, and answers it if not: 421 for a Host that is not ours (a name the page's owner
// pointed here), 403 for an Origin neither the listener's own nor allowed. Upgrades are requests like any other.
func (g Guard) pass(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case !g.hostOK(r.Host):
		Refuse(w, http.StatusMisdirectedRequest, "not a name of this relay")
	case !g.originOK(r):
		Refuse(w, http.StatusForbidden, "origin not allowed")
	default:
		return true
	}
	return false
}

func (g Guard) hostOK(host string) bool {
	name := strings.ToLower(strings.TrimSuffix(hostname(host), "."))
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || strings.HasSuffix(name, ".onion") {
		return true
	}
	return name != "" && slices.ContainsFunc(g.Names, func(n string) bool { return strings.EqualFold(n, name) })
}

func (g Guard) originOK(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 || origins[0] == "null" {
		return false
	}
	origin, scheme := strings.ToLower(origins[0]), schemeOf(r)
	if bare(origin, scheme) == scheme+"://"+bare(strings.ToLower(r.Host), scheme) {
		return true
	}
	return g.Origins != nil && slices.ContainsFunc(g.Origins(r), func(o string) bool { return strings.EqualFold(o, origin) })
}

// bare leaves out the port that goes without saying.
func bare(host, scheme string) string {
	if scheme == "https" {
		return strings.TrimSuffix(host, ":443")
	}
	return strings.TrimSuffix(host, ":80")
}

// schemeOf is what the caller typed: http, unless TLS ends here or in front of us at a proxy that may say so.
func schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	if c := connOf(r); c != nil && c.door.TrustProxy && strings.EqualFold(lastValue(r.Header, "X-Forwarded-Proto"), "https") {
		return "https"
	}
	return "http"
}

// hostname is host without port and brackets.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	if strings.HasPrefix(host, "[") && strings.HasSuffix(host, "]") {
		return host[1 : len(host)-1]
	}
	return host
}

// Refuse answers with one line of plain text, as everything before routing does.
func Refuse(w http.ResponseWriter, status int, line string) {
	h := w.Header()
	h.Set("Content-Type", textPlain)
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write([]byte(line + "\n")) // who is gone does not care
}
