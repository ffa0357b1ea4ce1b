package wire

import (
	"net/http"
	"slices"
	"strings"

	"github.com/julienschmidt/httprouter"
)

// A router finds the row of a request. httprouter is fast and refuses a literal
// beside a parameter ("/channels/unread", "/channels/:id"), so rows without
// parameters are looked up whole, and the others lie in layers: each in the
// first one that takes it, those with more literal segments first.
type router struct {
	literal map[string]*Op // by method, space, path
	layers  []*httprouter.Router
	methods []string
}

func newRouter(ops []Op) *router {
	rt := &router{literal: map[string]*Op{}}
	var params []*Op
	for i := range ops {
		op := &ops[i]
		method, path, ok := strings.Cut(op.Name, " ")
		if !ok {
			continue // a socket's message
		}
		if !slices.Contains(rt.methods, method) {
			rt.methods = append(rt.methods, method)
		}
		if strings.ContainsAny(path, ":*") {
			params = append(params, op)
			continue
		}
		if rt.literal[op.Name] != nil {
			panic("wire: two rows " + op.Name)
		}
		rt.literal[op.Name] = op
	}
	slices.SortStableFunc(params, func(a, b *Op) int { return strings.Compare(shape(a.Name), shape(b.Name)) })
	for _, op := range params {
		rt.place(op)
	}
	return rt
}

// shape orders paths: a literal segment before a parameter, from the left.
func shape(name string) string {
	_, path, _ := strings.Cut(name, " ")
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
func (rt *router) place(op *Op) {
	method, path, _ := strings.Cut(op.Name, " ")
	for _, layer := range rt.layers {
		if takes(layer, method, path, op) {
			return
		}
	}
	layer := httprouter.New()
	rt.layers = append(rt.layers, layer)
	if !takes(layer, method, path, op) {
		panic("wire: bad path " + op.Name)
	}
}

// takes adds the row to a layer unless it conflicts there, which httprouter
// says by panicking.
func takes(layer *httprouter.Router, method, path string, op *Op) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	layer.Handle(method, path, func(w http.ResponseWriter, _ *http.Request, _ httprouter.Params) {
		w.(*found).op = op
	})
	return true
}

// found is how a layer's handle says which row it stands for.
type found struct {
	http.ResponseWriter
	op *Op
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
			return f.op, params
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
