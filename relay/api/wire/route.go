package wire

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/julienschmidt/httprouter"
)

// A router finds the row of a request. httprouter is fast and refuses a literal
// beside a parameter ("/channels/unread", "/channels/:id"), so rows without
// parameters are looked up whole, and the others lie in layers: each in the
// first one that takes it, those with a literal further left first.
type router struct {
	literal map[string]*Op // by method, space, path
	layers  []*httprouter.Router
	methods []string
}

func newRouter(ops []Op) *router {
	rt := &router{literal: map[string]*Op{}}
	var params []*row
	taken := map[string]bool{}
	for i := range ops {
		method, path, ok := strings.Cut(ops[i].Name, " ")
		if !ok {
			continue // a socket's message
		}
		r := newRow(&ops[i], method, path)
		if taken[method+" "+r.path] {
			panic("wire: two rows " + ops[i].Name)
		}
		taken[method+" "+r.path] = true
		if !slices.Contains(rt.methods, method) {
			rt.methods = append(rt.methods, method)
		}
		if !strings.ContainsAny(r.path, ":*") {
			rt.literal[ops[i].Name] = r.op
		} else {
			params = append(params, r)
		}
	}
	slices.SortStableFunc(params, func(a, b *row) int { return strings.Compare(shape(a.path), shape(b.path)) })
	for _, r := range params {
		rt.place(r)
	}
	return rt
}

// A row is an operation under its path. Its parameters are numbered there:
// httprouter refuses two names in one place, and would have the second row a
// layer further down than it belongs.
type row struct {
	op           *Op
	method, path string
	names        []string
}

func newRow(op *Op, method, path string) *row {
	r := &row{op: op, method: method}
	segs := strings.Split(path, "/")
	if segs[0] != "" || len(segs) < 2 {
		panic("wire: bad path " + op.Name)
	}
	for i, seg := range segs {
		if len(seg) > 1 && (seg[0] == ':' || seg[0] == '*') {
			r.names = append(r.names, seg[1:])
			segs[i] = seg[:1] + "p"
		}
	}
	r.path = strings.Join(segs, "/")
	return r
}

// params gives the values that were found their names.
func (r *row) params(found httprouter.Params) httprouter.Params {
	got := make(httprouter.Params, len(r.names))
	for i, name := range r.names {
		got[i] = httprouter.Param{Key: name, Value: strings.ReplaceAll(found[i].Value, hiddenSlash, "/")}
	}
	return got
}

// hiddenSlash stands for a slash that came encoded, while a path is looked up.
// No UTF-8 has that byte.
const hiddenSlash = "\xff"

var hideSlashes = strings.NewReplacer("%2F", "%FF", "%2f", "%FF")

// routed returns the path by which a request is routed: decoded, but for
// slashes that came encoded, since they belong to their segment. A path that
// is no UTF-8 is nobody's.
func routed(u *url.URL) (path string, ok bool) {
	if !utf8.ValidString(u.Path) {
		return "", false
	}
	if u.RawPath == "" { // nothing came encoded that need not
		return u.Path, true
	}
	raw := hideSlashes.Replace(u.RawPath)
	if raw == u.RawPath {
		return u.Path, true
	}
	path, err := url.PathUnescape(raw)
	return path, err == nil
}

// shape orders paths: a literal segment before a parameter, from the left.
func shape(path string) string {
	var b strings.Builder
	for seg := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		switch {
		case strings.HasPrefix(seg, "*"):
			b.WriteByte('2')
		case strings.HasPrefix(seg, ":"):
			b.WriteByte('1')
		default:
			b.WriteByte('0')
		}
	}
	return b.String()
}

// place puts a row into the first layer that takes it.
func (rt *router) place(r *row) {
	for _, layer := range rt.layers {
		if takes(layer, r) {
			return
		}
	}
	layer := httprouter.New()
	rt.layers = append(rt.layers, layer)
	if !takes(layer, r) {
		panic("wire: bad path " + r.op.Name)
	}
}

// takes adds the row to a layer unless it conflicts there, which httprouter
// says by panicking.
func takes(layer *httprouter.Router, r *row) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	layer.Handle(r.method, r.path, func(w http.ResponseWriter, _ *http.Request, _ httprouter.Params) {
		w.(*found).row = r
	})
	return true
}

// found is how a layer's handle says which row it stands for.
type found struct {
	http.ResponseWriter
	row *row
}

// find returns the row for a method and path, nil when there is none.
func (rt *router) find(method, path string) (*Op, httprouter.Params) {
	if op := rt.literal[method+" "+path]; op != nil {
		return op, nil
	}
	for _, layer := range rt.layers {
		if handle, params, _ := layer.Lookup(method, path); handle != nil {
			var f found
			handle(&f, nil, nil)
			return f.row.op, f.row.params(params)
		}
	}
	return nil, nil
}

// allowed returns the methods that the path has rows for.
func (rt *router) allowed(path string) []string {
	var got []string
	for _, m := range rt.methods {
		if op, _ := rt.find(m, path); op != nil {
			got = append(got, m)
		}
	}
	slices.Sort(got)
	return got
}
