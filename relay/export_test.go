package relay

import "restante/storage"

// NewWithVerbs is New with more verbs for timers.
func NewWithVerbs(store storage.Engine, o Options, verbs map[string]func(*Tx, []byte) error) (*Relay, error) {
	r, err := build(store, o)
	if err != nil {
		return nil, err
	}
	for name, fn := range verbs {
		r.handleTimer(name, fn)
	}
	return r, r.start()
}

// ForgetOnce is one step of forgetting once-keys.
func (tx *Tx) ForgetOnce(max int) (left bool) { return tx.forgetOnce(max) }

// NewHub returns a hub alone.
func NewHub() *Hub { return newHub(0) }

// Commit rings boxes as a commit at a time does.
func (h *Hub) Commit(t Time, boxes ...BoxID) {
	h.moved(entriesIn(boxes))
	h.told(int64(t))
}

func entriesIn(boxes []BoxID) (ids []EntryID) {
	for _, b := range boxes {
		ids = append(ids, EntryID{Box: b, Time: 1})
	}
	return ids
}

// CommitInParts does the same with something in between.
func (h *Hub) CommitInParts(t Time, between func(), boxes ...BoxID) {
	h.moved(entriesIn(boxes))
	between()
	h.told(int64(t))
}

// Wake is what the commit before has left behind.
func (h *Hub) Wake() { h.wake <- struct{}{} }

// Close is what closing its relay does to a hub.
func (h *Hub) Close() { h.close() }

// ShareLimits of one sender, a day.
const (
	MailboxEntries = mailboxEntries
	MailboxBytes   = mailboxBytes
	AccountWrites  = accountWrites
	PacePerSecond  = pacePerSecond
	PaceBurst      = paceBurst
	OpeningsADay   = openingsADay
	OpeningsEver   = openingsEver
)

// EvictCounts fills the table of counts with boxes that do not exist.
func (r *Relay) EvictCounts() {
	for i := range maxCounted * 2 {
		r.counts.set(BoxID{1, byte(i >> 16), byte(i >> 8), byte(i)}, count{})
	}
}

// Counted returns how many counts are kept in memory, and how many may be.
func (r *Relay) Counted() (n, max int) { return len(r.counts.m), maxCounted }

// Actions is how many actions the table of permissions has.
const Actions = int(actions)
