package command

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The Go runtime collects garbage when the heap has doubled. Ours is a few MiB
// small and every commit makes garbage, so under load it would collect many
// times a second, at the price of a fifth of all posts. So while it is busy the
// heap may grow to busyHeap before it is collected; when things calm down the
// usual rule holds again, and the memory goes back to the system.
const (
	busyHeap = 32 << 20
	busy     = time.Second // between two collections, or less
)

// paceCollector has the collector paced as above from now on, unless GOGC says
// how. GOMEMLIMIT holds in any case.
func paceCollector() {
	if os.Getenv("GOGC") == "" {
		afterCollection(time.Now(), 100)
	}
}

// afterCollection looks again when the collector has run: it leaves something
// behind that only the next run finds.
func afterCollection(last time.Time, percent int) {
	left := new([64]byte)
	runtime.AddCleanup(left, func(last time.Time) {
		now := time.Now()
		next := 100
		if now.Sub(last) <= busy {
			next = max(100, 100*(busyHeap-liveHeap())/max(liveHeap(), 1))
		}
		// Small steps are not worth stopping for.
		if next > percent*5/4 || next < percent*4/5 {
			debug.SetGCPercent(next)
			percent = next
		}
		afterCollection(now, percent)
	}, last)
}

// liveHeap is what the last collection found in use, in bytes.
func liveHeap() int {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return busyHeap // no such figure: leave the collector as it is
	}
	return int(s[0].Value.Uint64())
}
