// Package crash_test kills the real program in the middle of its work, again and again, and holds it to what it said.
//
// Posters write to groups and mailboxes and note in a ledger what was acknowledged; readers follow the groups with a
// cursor. After a random number of acknowledged posts the relay gets SIGKILL, its store is checked, and it is started
// on the same state, where all go on. In the end everything is read back and compared:
//
//   - every acknowledged message is there exactly once, whatever was never acknowledged at most once;
//   - a post whose answer the crash swallowed, sent again under its Idempotency-Key, is there exactly once;
//   - times rise strictly within a group or mailbox;
//   - each reader saw everything that is in the groups, once, and nothing that is not.
//
// All that with a journal as it is by default, with a small one, and with none.
// RESTANTE_CRASH_CYCLES sets how often it is killed (5; 2 with -short), RESTANTE_RACE=1 builds it with the race
// detector. It kills a process, not a machine: what the disk does when power fails is not seen here.
package crash_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"
)

const (
	posters  = 16
	groupsN  = 4
	mailboxN = 4
	// mostAcks bounds how many posts a cycle sees acknowledged before it is killed.
	mostAcks = 800
)

func TestKill_NothingAcknowledgedIsLost(t *testing.T) { testKill(t) }

// In a small journal the files turn all the time, and what was in them is on its way to the pages.
func TestKill_SmallJournal(t *testing.T) { testKill(t, "--journal", "128KiB") }

func TestKill_NoJournal(t *testing.T) { testKill(t, "--journal", "off") }

func testKill(t *testing.T, args ...string) {
	h := newHouse(t, append([]string{"--limits", "off"}, args...)...)
	ctx, fail := context.WithCancelCause(t.Context())
	defer fail(nil)
	w := newWorld(t, h)

	stop := make(chan struct{})
	var writing, reading sync.WaitGroup
	for i, c := range w.clients(posters) {
		p := &poster{client: c, world: w, number: i, keyed: i%2 == 1}
		writing.Go(func() { failOn(fail, p.run(ctx, stop)) })
	}
	quiet := make(chan struct{})
	readers := []*reader{{client: w.client()}, {client: w.client(), waits: true}}
	for _, r := range readers {
		reading.Go(func() { failOn(fail, r.run(ctx, w.groups, quiet)) })
	}

	for range cycles() {
		await(ctx, t, w.ledger.afterAcks(1+rand.IntN(mostAcks)))
		h.kill()
		h.check()
		h.start()
	}
	await(ctx, t, w.ledger.afterAcks(posters))
	close(stop)
	writing.Wait()
	close(quiet)
	reading.Wait()
	if err := context.Cause(ctx); err != nil {
		t.Fatal(err)
	}

	h.stop()
	h.check()
	h.start()
	stored := w.readBack(t)
	w.ledger.compare(t, stored)
	for _, r := range readers {
		r.compare(t, w.groups, stored)
	}
	h.stop()
}

// failOn ends everything when one has failed.
func failOn(fail context.CancelCauseFunc, err error) {
	if err != nil {
		fail(err)
	}
}

// await waits for something that must happen unless somebody has failed.
func await(ctx context.Context, t *testing.T, happens <-chan struct{}) {
	t.Helper()
	select {
	case <-happens:
	case <-ctx.Done():
		t.Fatal(context.Cause(ctx))
	case <-time.After(time.Minute):
		t.Fatal("nothing was acknowledged for a minute")
	}
}

func cycles() int {
	if n, err := strconv.Atoi(os.Getenv("RESTANTE_CRASH_CYCLES")); err == nil && n > 0 {
		return n
	}
	if testing.Short() {
		return 2
	}
	return 5
}

// A world is who writes, and where to.
type world struct {
	house     *house
	ledger    *ledger
	accounts  []account // of those who post and read, each used once
	groups    []string
	mailboxes []account
}

func newWorld(t *testing.T, h *house) *world {
	t.Helper()
	w := &world{house: h, ledger: newLedger()}
	c := newClient(h, account{})
	for range mailboxN {
		w.mailboxes = append(w.mailboxes, mustRegister(t, c))
	}
	for range posters + 2 {
		w.accounts = append(w.accounts, mustRegister(t, c))
	}
	for range groupsN {
		g, err := newClient(h, w.accounts[0]).newGroup(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		w.groups = append(w.groups, g)
	}
	return w
}

func mustRegister(t *testing.T, c *client) account {
	t.Helper()
	a, err := c.register(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// client takes the next account.
func (w *world) client() *client {
	a := w.accounts[0]
	w.accounts = w.accounts[1:]
	return newClient(w.house, a)
}

func (w *world) clients(n int) []*client {
	var all []*client
	for range n {
		all = append(all, w.client())
	}
	return all
}

// readBack reads every group and mailbox from its start.
func (w *world) readBack(t *testing.T) map[string][]message {
	t.Helper()
	stored := map[string][]message{}
	for _, box := range w.mailboxes {
		stored[box.ID] = readAll(t, newClient(w.house, box).receive)
	}
	for _, g := range w.groups {
		c := newClient(w.house, w.mailboxes[0])
		stored[g] = readAll(t, func(ctx context.Context, after int64) ([]message, error) {
			return c.pollGroups(ctx, []string{g}, after)
		})
	}
	return stored
}

func readAll(t *testing.T, read func(context.Context, int64) ([]message, error)) (all []message) {
	t.Helper()
	for cursor := int64(0); ; {
		page, err := read(t.Context(), cursor)
		if err == nil {
			cursor, err = advance(cursor, page)
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
	}
}

// advance checks that a page is in order and behind the cursor, and returns the cursor behind the page.
func advance(cursor int64, page []message) (int64, error) {
	last := cursor
	for _, m := range page {
		if m.Timestamp <= cursor || m.Timestamp < last {
			return 0, fmt.Errorf("after %d the relay gives %d, after it %d", cursor, last, m.Timestamp)
		}
		last = m.Timestamp
	}
	return last, nil
}

// A poster writes one post after the other. Half of them put a key on each, and when an answer is lost they send the
// post again until it is answered; the others give up on that post, and never know.
type poster struct {
	client *client
	world  *world
	number int
	keyed  bool
}

func (p *poster) run(ctx context.Context, stop <-chan struct{}) error {
	for n := 0; ; n++ {
		select {
		case <-stop:
			return nil
		default:
		}
		if err := p.send(ctx, p.draft(n)); err != nil {
			return fmt.Errorf("poster %d: %w", p.number, err)
		}
	}
}

// draft makes a post like no other.
func (p *poster) draft(n int) *post {
	d := &post{body: fmt.Sprintf("%d/%d/%s", p.number, n, filler[:rand.IntN(len(filler))])}
	if i := rand.IntN(groupsN + mailboxN); i < groupsN {
		d.path, d.box = "/postgroup", p.world.groups[i]
	} else {
		d.path, d.box = "/postmsg", p.world.mailboxes[i-groupsN].ID
	}
	if p.keyed {
		d.key = fmt.Sprintf("key-%d-%d", p.number, n)
	}
	return d
}

func (p *poster) send(ctx context.Context, d *post) error {
	p.world.ledger.sent(d)
	for {
		err := p.client.post(ctx, d)
		if err == nil {
			p.world.ledger.acknowledged(d)
			return nil
		}
		if !errors.Is(err, errLost) {
			return err
		}
		if err := p.client.reconnect(ctx); err != nil || d.key == "" {
			return err
		}
	}
}
