package storage

import (
	"errors"
	"fmt"
	"time"
)

// The journal makes a commit one write and one sync. A batch becomes a record
// at the end of one of two files, both made of zeros beforehand and used in
// turn; it is then durable, goes into an ordered tree in memory, and is
// answered. Later, in the background, a tree is carried into bbolt's pages in
// small commits (checkpoint.go), and its file is free again.
//
//   - An epoch is the time in which one file is filled: epoch e is in file e%2.
//     The tree of the running epoch is called active, that of the epoch before,
//     while it is carried over, frozen. What lies in the pages, in frozen and in
//     active, the later over the earlier, is the store ([snapshot]).
//   - The file begins with a head that names the journal (segment.go). So does
//     the store's file, with the last epoch that lies in its pages in whole
//     ([mark]); its schema version says that it is only half of the store. An
//     orderly end carries everything over and takes that back, so the file is
//     the store again, and the next start begins a new journal.
//   - Replaying puts a key to what a record says. To do that twice, or over
//     pages that hold a part of it already, changes nothing; so carrying over
//     needs no order among its commits but the last, which names the epoch.
//   - After a write or sync that failed nobody knows what the disk holds, and
//     asking again may lie: the writer stops for good. A full disk is another
//     matter (space.go, checkpoint.go).
type journal struct {
	disk disk
	id   journalID
	segs [2]*segment
	most int // memory that the tree of one epoch may take, see tree.cost

	// The writer's own.
	epoch   uint64
	tail    int64     // where the next record goes
	before  int64     // where the epoch before ended
	began   time.Time // when the epoch's first record was written
	stirred time.Time // when something was last written or looked at
	quiet   *time.Timer
	quietAt time.Time // when it goes off; zero: it does not
	buf     []byte

	check checkpointer
}

// Files of a journal.
const (
	defaultJournal = 16 << 20
	minJournal     = 32 << 10
	wipeStep       = 256 << 10
	keepBuffer     = 1 << 20 // the largest buffer kept between records
)

// errTooLong says that not even an empty file takes the record.
var errTooLong = errors.New("storage: longer than a journal file")

// journalPaths are the two files' names.
func journalPaths(path string) [2]string {
	return [2]string{path + ".journal-a", path + ".journal-b"}
}

// segment returns the file of the running epoch.
func (j *journal) segment() *segment { return j.segs[j.epoch%2] }

// used tells whether the running epoch has records.
func (j *journal) used() bool { return j.tail > blockSize }

// append writes a record and syncs it. ErrFull says that nothing is there that
// would replay, and that the place may be written again; after any other error
// nobody knows.
func (j *journal) append(list []*entry, last int64) error {
	n := recordSize(list)
	size := padded(n)
	buf := j.buffer(size)
	h := header{epoch: j.epoch, offset: j.tail, before: j.before, last: last}
	r := appendRecord(buf[:0], j.id, h, list)
	clear(buf[len(r):size])
	seg := j.segment()
	seg.mark(j.tail + size)
	if written, err := seg.file.WriteAt(buf[:size], j.tail); err != nil {
		if isFull(err) && written < n {
			return ErrFull
		}
		return fmt.Errorf("write the journal: %w", err)
	}
	if err := seg.file.Sync(); err != nil {
		return fmt.Errorf("sync the journal: %w", err)
	}
	j.stirred = time.Now()
	if !j.used() {
		j.began = j.stirred
	}
	j.tail += size
	return nil
}

// buffer returns memory for a record. That of a large one is not kept.
func (j *journal) buffer(size int64) []byte {
	if size > int64(cap(j.buf)) {
		b := alignedBuffer(max(size, 64<<10))
		if size > keepBuffer {
			return b[:size]
		}
		j.buf = b
	}
	return j.buf[:size]
}

// fits tells whether the running epoch takes so many bytes more, or, with
// errTooLong, that no epoch does. With all, that is to its very end; else a
// quarter of it is kept while the epoch before is not in the pages: should they
// take no more, nothing but the deletions that have their place there can make
// them.
func (j *journal) fits(size int64, s *state, all bool) (bool, error) {
	room, most := j.segment().size, j.most
	if blockSize+size > room {
		return false, errTooLong
	}
	if s.frozen != nil && !all {
		room, most = j.kept(), most-most/4
	}
	crowded := s.active != nil && s.active.cost > most
	return j.tail+size <= room && !crowded, nil
}

// kept is where the part of the running epoch's file begins that is kept for
// deletions.
func (j *journal) kept() int64 {
	size := j.segment().size
	return size - size/4
}

// turn begins the next epoch in the other file, which must be free.
func (j *journal) turn() {
	j.before = j.tail
	j.epoch++
	j.tail = blockSize
	j.segment().take()
}

// close lets the files go.
func (j *journal) close() error {
	return errors.Join(j.segs[0].file.Close(), j.segs[1].file.Close())
}

// A state is what lies before the pages, and how far the commit clock is. It
// never changes; the next one takes its place.
type state struct {
	// turns counts how often something began to be carried into the pages:
	// what the pages hold of the journal was frozen in this turn or before.
	turns  int
	active *tree
	frozen *frozen // nil when all but active lies in the pages
	last   int64
	epoch  uint64
	tail   int64 // bytes of the running epoch's file in use
}

// A frozen tree is being carried into the pages.
type frozen struct {
	tree *tree
	upTo uint64 // with it, this epoch lies in the pages in whole
	last int64  // the commit clock
}

// outstanding is about how many bytes the pages have still to take.
func (s *state) outstanding() int64 {
	n := 0
	if s.active != nil {
		n += s.active.cost
	}
	if s.frozen != nil && s.frozen.tree != nil {
		n += s.frozen.tree.cost
	}
	return int64(n)
}
