package sama

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkConversation measures messages through one conversation whose members
// are all connected: how many a second, and how long one takes from being sent
// to having been read by the last of them. Eight of them wait for a receipt at
// any time, or as many as there are members.
func BenchmarkConversation(b *testing.B) {
	for _, members := range []int{2, 50} {
		b.Run(fmt.Sprintf("members=%d", members), func(b *testing.B) { conversation(b, members) })
	}
}

func conversation(b *testing.B, members int) {
	h := build(b, Options{})
	crowd := make([]*client, members)
	for i := range crowd {
		crowd[i] = h.enter(fmt.Sprintf("user%d", i))
	}
	cid := crowd[0].group(crowd[1:]...)
	writers := min(members, 8)
	var mu sync.Mutex
	sent := map[string]time.Time{} // guarded by mu: by body
	heard := map[string]int{}      // guarded by mu
	var took []time.Duration       // guarded by mu
	var all sync.WaitGroup
	room := make(chan struct{}, writers) // as many messages are under way
	b.ResetTimer()
	for _, c := range crowd {
		all.Go(func() {
			mine := b.N / writers
			if slices.Index(crowd, c) >= writers {
				mine = 0
			}
			for n := 0; n < b.N/writers*writers-mine; {
				body, ok := c.read()["message"].(map[string]any)
				if !ok {
					continue
				}
				n++
				mu.Lock()
				id := body["body"].(string)
				if heard[id]++; heard[id] == members-1 {
					took = append(took, time.Since(sent[id]))
					delete(heard, id)
					delete(sent, id)
					<-room
				}
				mu.Unlock()
			}
		})
	}
	for n := range b.N / writers {
		for i := range writers {
			room <- struct{}{}
			id := fmt.Sprintf("%d-%d", i, n)
			mu.Lock()
			sent[id] = time.Now()
			mu.Unlock()
			crowd[i].send(map[string]any{"message": map[string]any{"id": id, "cid": cid, "body": id}})
		}
	}
	all.Wait()
	b.StopTimer()
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
