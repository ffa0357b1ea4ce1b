package crash_test

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// perAccount is how many waiters an account may have; one more, and the oldest is answered.
const perAccount = 16

func TestStop_WaitersAreAnswered(t *testing.T) {
	h := newHouse(t)
	who := mustRegister(t, newClient(h, account{}))
	group, err := newClient(h, who).newGroup(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	answers := make(chan error, perAccount+1)
	for range perAccount + 1 {
		c := newClient(h, who)
		go func() { answers <- waitInVain(t.Context(), c, group) }()
	}
	// That one of them is answered now tells that all have come to wait, without a look at the clock.
	expect(t, answers)
	h.stop()
	for range perAccount {
		expect(t, answers)
	}
}

// waitInVain waits on a group and its own mailbox, and returns an error unless the answer is 200 and empty.
func waitInVain(ctx context.Context, c *client, group string) error {
	answer, err := c.call(ctx, "/longpoll", c.poll([]string{group, c.who.ID}, 0))
	if err == nil && len(answer) > 0 {
		return fmt.Errorf("woken by %q, although nobody wrote", answer)
	}
	return err
}

func expect(t *testing.T, answers <-chan error) {
	t.Helper()
	select {
	case err := <-answers:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("a waiter is not answered")
	}
}
