package wire

import (
	"net/http"
	"strings"
)

// CORS is what web pages of the operator's choice may do with a family. Which
// pages those are the [Guard] has decided before: a request whose Origin is
// foreign and not on its list never comes this far.
type CORS struct {
	Methods     []string
	Headers     []string // that requests may have
	Expose      []string // of answers, that a page may read
	Credentials bool     // cookies go along
}

// preflight answers OPTIONS and reports whether it did; on other requests it
// sets the headers by which a browser lets its page read the answer.
func (x *CORS) preflight(w http.ResponseWriter, r *http.Request) bool {
	if x == nil {
		return false
	}
	head, origin := w.Header(), r.Header.Get("Origin")
	head.Add("Vary", "Origin")
	if origin != "" {
		head.Set("Access-Control-Allow-Origin", origin)
		if x.Credentials {
			head.Set("Access-Control-Allow-Credentials", "true")
		}
		if len(x.Expose) > 0 {
			head.Set("Access-Control-Expose-Headers", strings.Join(x.Expose, ", "))
		}
	}
	if r.Method != http.MethodOptions {
		return false
	}
	head.Set("Access-Control-Allow-Methods", strings.Join(x.Methods, ", "))
	head.Set("Access-Control-Allow-Headers", strings.Join(x.Headers, ", "))
	head.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}
