package relay

import (
	"cmp"
	"context"
	"maps"
	"slices"
)

// FeedOptions say what a session is told of, besides its account's own box.
type FeedOptions struct {
	// Choose says which rooms of the account; nil is all of them.
	Choose func(tx *Tx, a Access) bool
	// Below adds the rooms that are open to a chosen room's members.
	Below bool
	// Relay adds the announcements.
	Relay bool
}

// A Feed is what one session is told: everything that happens in the boxes of
// its account and its rooms, in the order in which it happened, once each. It
// keeps one number for all of them, the time up to which it has told, and
// follows its account into rooms and out of them: a room joined is read from
// that very time on, and of a room left nothing is told that came later.
//
// It belongs to one goroutine at a time, and so does its Watch.
type Feed struct {
	r   *Relay
	w   *Watch
	who ID
	box BoxID
	o   FeedOptions

	at    Time             // told up to here
	boxes map[BoxID]Owner  // what is watched
	floor map[BoxID]Time   // of boxes that are not read from at on: from here
	again map[BoxID]bool   // to be read in the next pass, rung or not
	own   map[EntryID]bool // written by this session
	gone  bool             // the account was removed
}

// Told is one thing that a session is told.
type Told struct {
	Entry Entry
	Owner Owner // whose box it is in
	Own   bool  // the session wrote it itself, see [Feed.Own]
}

// feedPage bounds what one pass reads of each lane.
var feedPage = Page{Entries: 256, Bytes: 1 << 20}

// NewFeed returns a feed for a session of an account, over a watch of its own.
func (r *Relay) NewFeed(w *Watch, who ID, o FeedOptions) *Feed {
	return &Feed{
		r: r, w: w, who: who, o: o,
		boxes: map[BoxID]Owner{}, floor: map[BoxID]Time{}, again: map[BoxID]bool{}, own: map[EntryID]bool{},
	}
}

// Start begins: what is committed from now on is told. NotFound: no such
// account.
func (f *Feed) Start(ctx context.Context) error {
	err := f.r.View(ctx, func(tx *Tx) error {
		a, err := tx.Account(f.who)
		f.box = a.Box
		return err
	})
	if err != nil {
		return err
	}
	// Watch first and look after: what happens in between is told of, or seen.
	f.watch(f.box, Owner{OwnerAccount, f.who})
	if f.o.Relay {
		f.watch(announcements, Owner{Kind: OwnerRelay})
	}
	return f.r.View(ctx, f.findRooms)
}

// findRooms watches the rooms of the account.
func (f *Feed) findRooms(tx *Tx) error {
	f.at = Time(tx.Now())
	for past := (ID{}); ; {
		rooms, next, err := tx.RoomsOf(f.who, past, 500)
		if err != nil {
			return err
		}
		for _, a := range rooms {
			if err := f.take(tx, a, tx.Reading(a, f.at).After); err != nil {
				return err
			}
		}
		if next.IsZero() {
			return nil
		}
		past = next
	}
}

// take watches a room, if it is chosen, and those below it.
func (f *Feed) take(tx *Tx, a Access, from Time) error {
	if f.o.Choose != nil && !f.o.Choose(tx, a) {
		return nil
	}
	f.Add(a.Room.Box, Owner{OwnerRoom, a.Room.ID}, from)
	if !f.o.Below {
		return nil
	}
	for past := (ID{}); ; {
		below, err := tx.Children(a.Room.ID, past, 500)
		if err != nil || len(below) == 0 {
			return err
		}
		for _, r := range below {
			if err := f.takeBelow(tx, r, from); err != nil {
				return err
			}
		}
		past = below[len(below)-1].ID
	}
}

func (f *Feed) takeBelow(tx *Tx, r Room, from Time) error {
	if !r.Inherit {
		return nil
	}
	a, err := tx.Access(f.who, r.ID)
	if Is(err, NotFound) || Is(err, Forbidden) {
		return nil // he left it, or is banned
	}
	if err != nil {
		return err
	}
	return f.take(tx, a, from)
}

// Add has a box told of, from after a time on. One that is told of already is
// left as it is.
func (f *Feed) Add(b BoxID, owner Owner, after Time) {
	if _, known := f.boxes[b]; known {
		return
	}
	f.watch(b, owner)
	if after != f.at {
		f.floor[b] = after
	}
	f.again[b] = true // what moved before we watched rang for nobody
}

func (f *Feed) watch(b BoxID, owner Owner) {
	f.boxes[b] = owner
	f.w.Add(b)
}

// Drop has a box not told of any more.
func (f *Feed) Drop(b BoxID) {
	delete(f.boxes, b)
	delete(f.floor, b)
	delete(f.again, b)
	f.w.Remove(b)
}

// Watches reports whether a box is told of.
func (f *Feed) Watches(b BoxID) bool {
	_, ok := f.boxes[b]
	return ok
}

// Own says that the session wrote these entries itself: what is told of them
// is marked so. Those of a box that is not told of yet count, too: the session may
// just have come into its room.
func (f *Feed) Own(ids ...EntryID) {
	for _, id := range ids {
		if id.Time > f.at {
			f.own[id] = true
		}
	}
}

// Close ends the feed. Its watch listens to nothing any more, and may serve
// another.
func (f *Feed) Close() {
	clear(f.boxes)
	clear(f.floor)
	clear(f.again)
	f.w.Clear()
}

// Gone reports whether the account was removed, as the last pass saw it: what
// its box held went with it, so nothing tells of it.
func (f *Feed) Gone() bool { return f.gone }

// Signals returns the signals that came since the last call.
func (f *Feed) Signals() []Signal { return f.w.Signals() }

// Pass tells what is new, in one View: each entry, of either lane, in the order
// of time and of place within a transaction, but no further than the bell has
// rung. It stops between two times once short says so, and returns true when
// there is more to tell. An error of tell ends the pass; what it was about is
// told again.
func (f *Feed) Pass(ctx context.Context, short func() bool, tell func(*Tx, Told) error) (more bool, err error) {
	moved, rung := f.w.movedTo()
	for _, b := range moved {
		f.again[b] = true
	}
	if len(f.again) == 0 {
		f.at = max(f.at, rung)
		return false, nil
	}
	err = f.r.View(ctx, func(tx *Tx) error { return f.pass(tx, rung, short, tell) })
	if err != nil {
		return true, err
	}
	return len(f.again) > 0, nil
}

func (f *Feed) pass(tx *Tx, rung Time, short func() bool, tell func(*Tx, Told) error) error {
	p := &passing{f: f, tx: tx, upTo: rung}
	f.gone = f.again[f.box] && tx.Get(newKey(kindBox).box(f.box)) == nil
	for b := range f.again {
		if err := p.read(b); err != nil {
			return err
		}
	}
	read := f.again
	f.again = map[BoxID]bool{}
	for len(p.list) > 0 {
		t := p.list[0].ID.Time
		if t > p.upTo {
			break
		}
		if short() {
			p.upTo = t - 1
			break
		}
		for len(p.list) > 0 && p.list[0].ID.Time == t {
			if err := p.next(tell); err != nil {
				maps.Copy(f.again, read)
				return err
			}
		}
		f.told(t)
	}
	if p.upTo < rung {
		for b := range read {
			if f.Watches(b) {
				f.again[b] = true
			}
		}
	}
	f.told(p.upTo)
	return nil
}

// told moves the cursor.
func (f *Feed) told(to Time) {
	f.at = max(f.at, to)
	for b, from := range f.floor {
		if from <= f.at {
			delete(f.floor, b)
		}
	}
	for id := range f.own {
		if id.Time <= f.at {
			delete(f.own, id)
		}
	}
}

// A passing is one pass under way.
type passing struct {
	f    *Feed
	tx   *Tx
	upTo Time    // no further in this pass
	list []Entry // in order, not told yet
}

// read puts what a box has to tell into the list.
func (p *passing) read(b BoxID) error {
	after, ok := p.f.floor[b]
	if !ok {
		after = p.f.at
	}
	for _, lane := range []Lane{Messages, Events} {
		got, cut, err := p.tx.since(lane, []Reading{{b, after}}, p.upTo, feedPage)
		if err != nil {
			return err
		}
		if cut {
			p.upTo = got[len(got)-1].ID.Time
		}
		p.list = append(p.list, got...)
	}
	slices.SortStableFunc(p.list, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(a.ID.Time, b.ID.Time), cmp.Compare(a.Place, b.Place))
	})
	return nil
}

// next tells the first of the list, and follows where it leads.
func (p *passing) next(tell func(*Tx, Told) error) error {
	e := p.list[0]
	p.list = p.list[1:]
	owner, watched := p.f.boxes[e.ID.Box]
	if !watched {
		return nil // left earlier in this pass
	}
	if e.Lane == Events && (owner.Kind == OwnerAccount || owner.Kind == OwnerRoom) {
		if err := p.follow(owner, e); err != nil {
			return err
		}
	}
	return tell(p.tx, Told{Entry: e, Owner: owner, Own: p.f.own[e.ID]})
}

// follow watches the room that an event leads into, or leaves the one it leads
// out of.
func (p *passing) follow(owner Owner, e Entry) error {
	account := owner.Kind == OwnerAccount
	switch e.Kind {
	case EventJoined, EventLeft, EventRemoved, EventBanned:
		if !account {
			return nil
		}
	case EventClosed:
	case EventOpened:
		if account || !p.f.o.Below {
			return nil
		}
	default:
		return nil
	}
	ev, err := ReadMemberEvent(e)
	if err != nil || ev.Room.IsZero() || account && ev.Account != p.f.who && e.Kind != EventClosed {
		return nil // of a family's own, with the same name
	}
	if e.Kind == EventJoined || e.Kind == EventOpened {
		return p.enter(ev.Room, e.ID.Time-1)
	}
	p.leave(ev.Room)
	return nil
}

// enter watches a room that was joined, and tells what it holds since.
func (p *passing) enter(room ID, after Time) error {
	a, err := p.tx.Access(p.f.who, room)
	if Is(err, NotFound) || Is(err, Forbidden) {
		return nil // out again by now, which comes later in the stream
	}
	if err != nil {
		return err
	}
	if a.Member.Room == room && a.Member.Joined > p.f.at {
		after = min(after, a.Member.Joined-1)
	}
	before := p.f.again
	p.f.again = map[BoxID]bool{}
	err = p.f.take(p.tx, a, after)
	for b := range p.f.again {
		if err == nil {
			err = p.read(b)
		}
	}
	maps.Copy(p.f.again, before)
	return err
}

// leave ends the watch of a room and of those below it.
func (p *passing) leave(room ID) {
	var gone []BoxID
	for b, owner := range p.f.boxes {
		if owner.Kind == OwnerRoom && (owner.ID == room || p.below(owner.ID, room)) {
			gone = append(gone, b)
		}
	}
	for _, b := range gone {
		p.f.Drop(b)
	}
}

// below reports whether a room lies below another.
func (p *passing) below(room, above ID) bool {
	for range MaxDepth {
		var r Room
		found, err := p.tx.get(newKey(kindRoom).id(room), &r)
		if err != nil || !found {
			return false
		}
		if room = r.Parent; room == above {
			return true
		}
	}
	return false
}
