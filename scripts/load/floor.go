package main

import (
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
)

// The floor is what a Go program cannot go below without leaving net/http: handlers that decode the same requests as
// the relay and answer, and store nothing. It runs in a process of its own, so that it pays for loopback, the
// scheduler and the client exactly as the relay does.
type floor struct {
	bells sync.Map // group id → chan struct{}, one place: a ring before the wait is not lost
	page  atomic.Value
}

// floorIn has the members of all requests the floor answers.
type floorIn struct {
	Object     string   `json:"object"`
	UserID     string   `json:"userId"`
	FromUserID string   `json:"fromUserId"`
	AuthToken  string   `json:"authToken"`
	ToID       string   `json:"toId"`
	GroupID    string   `json:"groupId"`
	GroupIDs   []string `json:"groupIds"`
	EncContent string   `json:"encContent"`
	Last       int64    `json:"lastMessageTimestamp"`
}

// serveFloor is the hidden subcommand: it serves on the address until its stdin closes, which is when its parent ends.
func serveFloor(addr string) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		// Whether it ends or breaks: nobody is there any more.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	log.Fatal(http.Serve(l, newFloor()))
}

func newFloor() http.Handler {
	f := &floor{}
	f.page.Store([]byte(`{"object":"GroupNotifications","messages":[]}`))
	mux := http.NewServeMux()
	mux.HandleFunc("POST /postmsg", decoded(func(http.ResponseWriter, *http.Request, floorIn) {}))
	mux.HandleFunc("POST /postgroup", decoded(f.ring))
	mux.HandleFunc("POST /longpoll", decoded(f.wait))
	mux.HandleFunc("POST /pollgroup", decoded(f.poll))
	mux.HandleFunc("POST /page", f.setPage)
	return mux
}

// decoded gives a handler its request.
func decoded(h func(http.ResponseWriter, *http.Request, floorIn)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in floorIn
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		h(w, r, in)
	}
}

func (f *floor) bell(id string) chan struct{} {
	if c, ok := f.bells.Load(id); ok {
		return c.(chan struct{})
	}
	c, _ := f.bells.LoadOrStore(id, make(chan struct{}, 1))
	return c.(chan struct{})
}

func (f *floor) ring(_ http.ResponseWriter, _ *http.Request, in floorIn) {
	select {
	case f.bell(in.ToID) <- struct{}{}:
	default: // rung already
	}
}

func (f *floor) wait(w http.ResponseWriter, r *http.Request, in floorIn) {
	if len(in.GroupIDs) != 1 {
		http.Error(w, "one group", http.StatusBadRequest)
		return
	}
	select {
	case <-f.bell(in.GroupIDs[0]):
		// A client that is gone reads nothing; there is nobody to tell.
		_, _ = io.WriteString(w, in.GroupIDs[0])
	case <-r.Context().Done():
	}
}

func (f *floor) poll(w http.ResponseWriter, _ *http.Request, _ floorIn) {
	body := f.page.Load().([]byte)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // as above
}

// setPage takes the answer that polls shall get: the relay's own, so that both send the same bytes.
func (f *floor) setPage(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	f.page.Store(body)
}
