package wire

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// A Mount is a family below a path of a listener.
type Mount struct {
	Prefix  string // "/sama"
	Handler http.Handler
}

// Mounted serves root, and below their prefixes what is mounted there: the
// prefix is gone from the path that a family sees, and [Call.Base] puts it back.
func Mounted(root http.Handler, mounts ...Mount) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, m := range mounts {
			if under, ok := below(r, m.Prefix); ok {
				m.Handler.ServeHTTP(w, under)
				return
			}
		}
		root.ServeHTTP(w, r)
	})
}

// below returns the request as what is mounted at prefix sees it, and whether it
// belongs there: the prefix itself does, and what has a slash behind it.
func below(r *http.Request, prefix string) (*http.Request, bool) {
	path, ok := strings.CutPrefix(r.URL.Path, prefix)
	if !ok || path != "" && path[0] != '/' {
		return nil, false
	}
	raw, ok := strings.CutPrefix(r.URL.RawPath, prefix)
	if r.URL.RawPath != "" && !ok {
		return nil, false // the prefix itself came with escapes
	}
	under := r.WithContext(context.WithValue(r.Context(), prefixKey{}, prefix))
	under.URL = new(url.URL)
	*under.URL = *r.URL
	under.URL.Path, under.URL.RawPath = path, raw
	if path == "" {
		under.URL.Path = "/"
	}
	return under, true
}

type prefixKey struct{}

// prefixOf returns the prefix that a request's family is mounted at.
func prefixOf(r *http.Request) string {
	prefix, _ := r.Context().Value(prefixKey{}).(string)
	return prefix
}

// baseOf returns the URL of the mount that a request came through, without a
// slash at its end: what addresses in answers begin with. A family that is
// mounted nowhere is at the root of a listener of its own, which the operator's
// public URL is not about.
func baseOf(r *http.Request, public string) string {
	prefix := prefixOf(r)
	if public != "" && prefix != "" {
		return strings.TrimSuffix(public, "/") + prefix
	}
	return schemeOf(r) + "://" + r.Host + prefix
}
