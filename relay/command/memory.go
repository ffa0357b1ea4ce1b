package command

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The Go runtime collects garbage when the heap has doubled. Ours is a few MiB
// small and every commit makes garbage, so under load it would collect many
// times a second, at the price of a fifth of all posts. So the heap is made to
// look larger, by memory that is never touched and therefore never there; and
// when things have calmed down, what load has left behind is given back to the
// system at once, for idle is what a relay on a Pi mostly is.
const (
	ballastBytes = 16 << 20
	calmEvery    = 2 * time.Second
	calmBytes    = 1 << 20 // allocated between two looks, or less, is calm
	worthBytes   = 4 << 20 // allocated since the memory was last given back
)

// paceCollector does that until ctx ends, unless GOGC says how to collect.
// GOMEMLIMIT holds in any case.
func paceCollector(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	ballast := make([]byte, ballastBytes)
	go func() {
		giveBackWhenCalm(ctx)
		runtime.KeepAlive(ballast)
	}()
}

func giveBackWhenCalm(ctx context.Context) {
	look := time.NewTicker(calmEvery)
	defer look.Stop()
	var last, given uint64
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		now := allocated()
		if now-last <= calmBytes && now-given >= worthBytes {
			debug.FreeOSMemory()
			given = now
		}
		last = now
	}
}

// allocated is how many bytes the program has ever allocated.
func allocated() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}
