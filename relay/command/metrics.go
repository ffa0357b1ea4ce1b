package command

import (
	"runtime"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/storage"
)

// A Running is a relay that serves, as the admin socket reaches it.
type Running struct {
	Store    *storage.Bolt
	Relay    *relay.Relay
	Server   *wire.Server
	Service  *wire.Service
	Requests func() int64 // answered since the start
	Began    time.Time
}

// Metrics returns the numbers of this moment.
func (r Running) Metrics() []Metric {
	store := r.Store.Stats()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	return []Metric{
		{"uptime_seconds", "seconds since the start", int64(time.Since(r.Began).Seconds())},
		{"requests_total", "requests since the start", r.Requests()},
		{"connections", "connections open", int64(r.Server.Conns())},
		{"connection_troubles_total", "connections that went wrong since the start", r.Server.Troubles()},
		{"waiters", "long-polls waiting", int64(r.Service.Waiters.Waiting())},
		{"purse_taken_bytes", "memory that requests hold", r.Service.Purse.Taken()},
		{"purse_size_bytes", "memory that requests may hold", r.Service.Purse.Size()},
		{"store_file_bytes", "size of the store's file", store.FileSize},
		{"store_free_bytes", "free space in that file", store.FreeBytes},
		{"store_updates_total", "updates since the start", store.Updates},
		{"store_commits_total", "commits that carried them", store.Batches},
		{"store_waiting", "updates waiting for the disk", int64(store.Waiting)},
		{"store_full", "1 while the disk is full", number(store.Full)},
		{"store_broken", "1 when writing has failed and a restart is needed", number(store.Broken)},
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
