package crash_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// A reader follows all groups with one cursor, through every crash. One that waits polls only when a long-poll says
// that there is something, the other without a pause: that is the one to see a commit between two groups of an answer.
type reader struct {
	client *client
	waits  bool
	cursor int64
	seen   []message
}

// run reads until it is quiet and there is nothing more.
func (r *reader) run(ctx context.Context, groups []string, quiet <-chan struct{}) error {
	for {
		last := closed(quiet) // before reading: what is read afterwards is then all
		n, err := r.step(ctx, groups)
		if errors.Is(err, errLost) {
			err = r.client.reconnect(ctx)
			last = false
		}
		if err != nil {
			return fmt.Errorf("reader (waits: %v): %w", r.waits, err)
		}
		if last && n == 0 {
			return nil
		}
	}
}

// step reads one page, and returns how much was on it.
func (r *reader) step(ctx context.Context, groups []string) (int, error) {
	told := ""
	if r.waits {
		var err error
		if told, err = r.client.longPoll(ctx, groups, r.cursor); err != nil || told == "" {
			return 0, err
		}
		if !slices.Contains(groups, told) {
			return 0, fmt.Errorf("woken by %q, which it does not wait for", told)
		}
	}
	page, err := r.client.pollGroups(ctx, groups, r.cursor)
	if err != nil {
		return 0, err
	}
	if told != "" && !slices.ContainsFunc(page, func(m message) bool { return m.To == told }) && len(page) < pageSize {
		return 0, fmt.Errorf("woken by %s, which has nothing after %d", told, r.cursor)
	}
	r.seen = append(r.seen, page...)
	r.cursor, err = advance(r.cursor, page)
	return len(page), err
}

// pageSize is how many entries one answer holds; on a full page the group that woke may be further behind.
const pageSize = 1000

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// compare holds what the reader saw against what is in the groups.
func (r *reader) compare(t *testing.T, groups []string, stored map[string][]message) {
	t.Helper()
	saw := map[message]int{}
	for _, m := range r.seen {
		saw[m]++
	}
	for _, g := range groups {
		for _, m := range stored[g] {
			if n := saw[m]; n != 1 {
				t.Errorf("reader (waits: %v) saw %.40q of %d %d times", r.waits, m.Body, m.Timestamp, n)
			}
			delete(saw, m)
		}
	}
	for m := range saw {
		t.Errorf("reader (waits: %v) saw %.40q of %d, which is not there", r.waits, m.Body, m.Timestamp)
	}
	t.Logf("a reader (waits: %v) saw %d messages", r.waits, len(r.seen))
}
