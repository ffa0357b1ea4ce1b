package chatalot

import (
	"sync"

	"restante/relay"
)

// remembered are answers of other servers that need not be asked for again for a
// while. It holds at most max; the oldest goes first.
type remembered[T any] struct {
	max int

	mu    sync.Mutex
	list  map[string]kept[T] // guarded by mu
	order []string           // as they came; guarded by mu
}

type kept[T any] struct {
	value T
	until relay.Time
}

func (m *remembered[T]) get(key string, now relay.Time) (v T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	k, ok := m.list[key]
	if !ok || k.until <= now {
		return v, false
	}
	return k.value, true
}

func (m *remembered[T]) put(key string, v T, until relay.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.list == nil {
		m.list = map[string]kept[T]{}
	}
	if _, again := m.list[key]; !again {
		if len(m.order) >= m.max {
			delete(m.list, m.order[0])
			m.order = m.order[1:]
		}
		m.order = append(m.order, key)
	}
	m.list[key] = kept[T]{v, until}
}
