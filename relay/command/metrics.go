package command

import (
	"runtime"
	"sync/atomic"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/storage"
)

// A Running is a relay that serves, as the admin socket reaches it.
type Running struct {
	store    *storage.Bolt
	relay    *relay.Relay
	server   *wire.Server
	service  *wire.Service
	families []wire.Family
	began    time.Time
	requests atomic.Int64
}

// NewRunning returns what the admin socket is to reach. It counts the requests
// of the handlers that are made from service afterwards.
func NewRunning(store *storage.Bolt, post *relay.Relay, server *wire.Server, service *wire.Service, families []wire.Family) *Running {
	r := &Running{store: store, relay: post, server: server, service: service, families: families, began: time.Now()}
	service.Reached = func(string) { r.requests.Add(1) }
	return r
}

// Metrics returns the numbers of this moment.
func (r *Running) Metrics() []Metric {
	store := r.store.Stats()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return []Metric{
		{"uptime_seconds", "seconds since the start", int64(time.Since(r.began).Seconds())},
		{"requests_total", "requests since the start", r.requests.Load()},
		{"connections", "connections open", int64(r.server.Conns())},
		{"connection_troubles_total", "connections that went wrong since the start", r.server.Troubles()},
		{"waiters", "long-polls waiting", int64(r.service.Waiters.Waiting())},
		{"purse_taken_bytes", "memory that requests hold", r.service.Purse.Taken()},
		{"purse_size_bytes", "memory that requests may hold", r.service.Purse.Size()},
		{"store_file_bytes", "size of the store's file", store.FileSize},
		{"store_free_bytes", "free space in that file", store.FreeBytes},
		{"store_updates_total", "updates since the start", store.Updates},
		{"store_commits_total", "commits that carried them", store.Batches},
		{"journal_size_bytes", "size of the journal's files", store.Journal.Size},
		{"journal_used_bytes", "in the file of the journal that is being filled", store.Journal.Bytes},
		{"journal_memory_bytes", "memory for what the store's file does not hold yet", store.Journal.Memory},
		{"journal_epoch", "how often a file of the journal was begun", store.Journal.Epoch},
		{"journal_checkpoints_total", "files of the journal that were carried over since the start", store.Journal.Checkpoints},
		{"journal_waits_total", "how often writing had to wait for that", store.Journal.Waits},
		{"store_waiting", "updates waiting for the disk", int64(store.Waiting)},
		{"store_full", "the disk is full (1) or not (0)", number(store.Full)},
		{"store_broken", "writing has failed and a restart is needed (1) or not (0)", number(store.Broken)},
		{"heap_bytes", "memory in use by the program's own data", int64(mem.HeapAlloc)},
		{"memory_bytes", "memory taken from the system for it", int64(mem.Sys - mem.HeapReleased)},
		{"goroutines", "goroutines", int64(runtime.NumGoroutine())},
	}
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
