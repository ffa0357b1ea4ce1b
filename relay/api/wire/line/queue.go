package line

// A Frame is one message on its way out.
type Frame struct {
	Data   []byte
	Binary bool
	Signal bool // may be dropped
	paid   bool // its bytes are out of the budget
}

// A Queue holds what a connection has yet to write. It is bounded in frames and
// in bytes, and this is the rule when it is full:
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
// answers are set elsewhere. The bytes are paid for from the budget, and a
// budget without them is a full queue. A queue has no lock of its own.
type Queue struct {
	Budget    Budget // nil: bottomless
	MaxFrames int
	MaxBytes  int

	frames []Frame
	bytes  int
}

// Push appends f and reports whether there was room.
func (q *Queue) Push(f Frame) bool {
	if f.Signal && q.Short() {
		return true // dropped, which is no failure
	}
	if !q.fits(f) {
		q.dropSignals(f)
	}
	if !q.fits(f) {
		return false
	}
	if f.paid = take(q.Budget, int64(len(f.Data))); !f.paid {
		return f.Signal
	}
	q.Force(f)
	return true
}

// Force appends f whatever the room.
func (q *Queue) Force(f Frame) {
	q.frames = append(q.frames, f)
	q.bytes += len(f.Data)
}

func (q *Queue) fits(f Frame) bool {
	return len(q.frames) == 0 || len(q.frames) < q.MaxFrames && q.bytes+len(f.Data) <= q.MaxBytes
}

// Short reports whether more than half of the room is taken.
func (q *Queue) Short() bool {
	return len(q.frames) > q.MaxFrames/2 || q.bytes > q.MaxBytes/2
}

// Empty reports whether nothing is queued.
func (q *Queue) Empty() bool { return len(q.frames) == 0 }

// Next returns the size of the oldest frame in bytes, 0 when there is none.
func (q *Queue) Next() int {
	if q.Empty() {
		return 0
	}
	return len(q.frames[0].Data)
}

// dropSignals drops waiting signals, oldest first, until f fits.
func (q *Queue) dropSignals(f Frame) {
	kept := q.frames[:0]
	dropped := 0
	for i, g := range q.frames {
		full := len(q.frames)-dropped >= q.MaxFrames || q.bytes+len(f.Data) > q.MaxBytes
		if !full {
			kept = append(kept, q.frames[i:]...)
			break
		}
		if g.Signal {
			q.bytes -= len(g.Data)
			q.GiveBack(g)
			dropped++
			continue
		}
		kept = append(kept, g)
	}
	clear(q.frames[len(kept):])
	q.frames = kept
}

// Pop takes the oldest frame. Whoever took it gives it back once it is written.
func (q *Queue) Pop() (f Frame, ok bool) {
	if len(q.frames) == 0 {
		return f, false
	}
	f = q.frames[0]
	q.frames[0] = Frame{}
	q.frames = q.frames[1:]
	q.bytes -= len(f.Data)
	if len(q.frames) == 0 {
		q.frames = nil // an idle connection keeps no memory for a burst it once had
	}
	return f, true
}

// Cost is what was paid for a frame.
func (f Frame) Cost() int64 {
	if !f.paid {
		return 0
	}
	return int64(len(f.Data))
}

// GiveBack returns what was paid for a frame. It needs no lock.
func (q *Queue) GiveBack(f Frame) { q.Give(f.Cost()) }

// Give returns what was paid for several frames. It needs no lock.
func (q *Queue) Give(n int64) { give(q.Budget, n) }

// Clear drops everything.
func (q *Queue) Clear() {
	for _, f := range q.frames {
		q.GiveBack(f)
	}
	q.frames, q.bytes = nil, 0
}
