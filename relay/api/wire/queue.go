package wire

// A frame is one WebSocket message on its way out.
type frame struct {
	data   []byte
	binary bool
	signal bool // may be dropped
	paid   bool // its bytes are out of the purse
}

// A queue holds what a socket has yet to write. It is bounded in frames and in
// bytes, and this is the rule when it is full:
//
//   - Signals go first. A new one is dropped when more than half of the room is
//     taken, and those that wait are dropped, oldest first, for a frame that
//     would not fit otherwise.
//   - Nothing else is ever dropped: a gap in the stream would be a lie. A frame
//     for which there is no room ends the session, and the client comes back
//     and resumes from its cursor.
//   - Whoever pushes never waits.
//
// A frame larger than all of the room fits an empty queue: the limits of
// answers are set elsewhere. The bytes are paid for from the purse, and a purse
// without them is a full queue. A queue has no lock of its own.
type queue struct {
	purse     *Purse
	frames    []frame
	bytes     int
	maxFrames int
	maxBytes  int
}

// push appends f and reports whether there was room.
func (q *queue) push(f frame) bool {
	if f.signal && q.short() {
		return true // dropped, which is no failure
	}
	if !q.fits(f) {
		q.dropSignals(f)
	}
	if !q.fits(f) {
		return false
	}
	if f.paid = q.purse.Take(int64(len(f.data))); !f.paid {
		return f.signal
	}
	q.force(f)
	return true
}

// force appends f whatever the room.
func (q *queue) force(f frame) {
	q.frames = append(q.frames, f)
	q.bytes += len(f.data)
}

func (q *queue) fits(f frame) bool {
	return len(q.frames) == 0 || len(q.frames) < q.maxFrames && q.bytes+len(f.data) <= q.maxBytes
}

// short reports whether more than half of the room is taken.
func (q *queue) short() bool {
	return len(q.frames) > q.maxFrames/2 || q.bytes > q.maxBytes/2
}

// dropSignals drops waiting signals, oldest first, until f fits.
func (q *queue) dropSignals(f frame) {
	kept := q.frames[:0]
	dropped := 0
	for i, g := range q.frames {
		full := len(q.frames)-dropped >= q.maxFrames || q.bytes+len(f.data) > q.maxBytes
		if !full {
			kept = append(kept, q.frames[i:]...)
			break
		}
		if g.signal {
			q.bytes -= len(g.data)
			q.giveBack(g)
			dropped++
			continue
		}
		kept = append(kept, g)
	}
	clear(q.frames[len(kept):])
	q.frames = kept
}

// pop takes the oldest frame. Whoever took it gives it back once it is written.
func (q *queue) pop() (f frame, ok bool) {
	if len(q.frames) == 0 {
		return f, false
	}
	f = q.frames[0]
	q.frames[0] = frame{}
	q.frames = q.frames[1:]
	q.bytes -= len(f.data)
	if len(q.frames) == 0 {
		q.frames = nil // an idle socket keeps no memory for a burst it once had
	}
	return f, true
}

// giveBack returns what was paid for a frame.
func (q *queue) giveBack(f frame) {
	if f.paid {
		q.purse.Give(int64(len(f.data)))
	}
}

// clear drops everything.
func (q *queue) clear() {
	for _, f := range q.frames {
		q.giveBack(f)
	}
	q.frames, q.bytes = nil, 0
}
