package relay

// Limits of rooms. Families have tighter ones of their own.
const (
	MaxSettings = 64 << 10 // bytes of a room's settings
	MaxDepth    = 4        // rooms below one another
	MaxOpening  = 1024     // members a room is opened with
	MaxMembers  = 20_000   // of one room
)

const verbDropOpenRoom = "drop unused open room"

// errNoRoom is met on the way to every open room, so it is made once.
var errNoRoom = Errorf(NotFound, SubjectRoom, "no such room")

func noRoom() error { return errNoRoom }

// A Room is where several accounts meet. One with members has a row for each
// of them ([Member]); an open one (SecBot's groups) has none, and knowing its
// id is the right to read and post. A direct room is the one room of two
// accounts. Settings are the home family's, opaque here.
type Room struct {
	ID       ID      `cbor:"-"` // from the key; an open room rests under a digest of it
	Family   string  `cbor:"1,keyasint"`
	Box      BoxID   `cbor:"2,keyasint"`
	Open     bool    `cbor:"3,keyasint,omitempty"`
	Direct   bool    `cbor:"4,keyasint,omitempty"`
	Pair     [2]ID   `cbor:"5,keyasint,omitzero"` // whose direct room, the lesser id first
	Parent   ID      `cbor:"6,keyasint,omitzero"`
	Inherit  bool    `cbor:"7,keyasint,omitempty"` // open to the parent's members
	Within   bool    `cbor:"8,keyasint,omitempty"` // own rows count for the parent's members only
	Settings []byte  `cbor:"9,keyasint,omitempty"`
	Created  Time    `cbor:"10,keyasint"`
	Closed   Time    `cbor:"11,keyasint,omitempty"` // unreachable since; its rows are being removed
	Unused   TimerID `cbor:"12,keyasint,omitzero"`  // removes an open room in which nothing was posted
	Members  int     `cbor:"13,keyasint,omitempty"` // rows in StateMember
	Writers  Role    `cbor:"14,keyasint,omitempty"` // the least role that posts, through every door
}

// A RoomDraft is a room to be.
type RoomDraft struct {
	By       ID // who opens it; an open room does not name its maker
	Family   string
	Open     bool
	Parent   ID
	Inherit  bool // members of Parent are members here, and no rows are written
	Within   bool // only members of Parent can be members here
	Settings []byte
	Members  []Seat // who is in it from the start; By only if he is among them
}

// A Seat is what a new member of a room gets.
type Seat struct {
	Account  ID
	Role     Role
	SeesFrom Time   // what the room held before is not his to see; 0: all is
	Rest     []byte // the home family's, opaque, at most MaxRest bytes
}

// OpenRoom makes a room and its box. Its members find a joined event in their
// own boxes, and where it inherits, the parent's box gets an opened one. The id
// of an open room is returned here and never again.
// Invalid: a draft that contradicts itself. NotFound: parent or account.
// TooLarge: settings, rest, or too many members at once. Full: the disk has no
// space for anything new. TooMany: By shares no room with too many of them.
func (tx *Tx) OpenRoom(d RoomDraft) (Room, error) {
	if err := tx.checkRoomDraft(d); err != nil {
		return Room{}, err
	}
	if err := tx.r.space.founding(); err != nil {
		return Room{}, err
	}
	if d.Open {
		return tx.openOpenRoom(d)
	}
	if err := tx.meet(d.By, d.Members...); err != nil {
		return Room{}, err
	}
	return tx.openRoom(d, [2]ID{})
}

func (tx *Tx) checkRoomDraft(d RoomDraft) error {
	switch {
	case d.Open && (len(d.Members) > 0 || !d.Parent.IsZero()):
		return Errorf(Invalid, SubjectRoom, "an open room has no members and no parent")
	case (d.Inherit || d.Within) && d.Parent.IsZero(), d.Inherit && (d.Within || len(d.Members) > 0):
		return Errorf(Invalid, SubjectRoom, "the room's members contradict its parent")
	case len(d.Settings) > MaxSettings:
		return Errorf(TooLarge, SubjectRoom, "settings too large")
	case len(d.Members) > MaxOpening:
		return Errorf(TooLarge, SubjectMember, "too many members at once")
	}
	depth := 1
	for up := d.Parent; !up.IsZero(); depth++ {
		r, err := tx.Room(up)
		if err != nil {
			return err
		}
		if up = r.Parent; depth >= MaxDepth || r.Direct {
			return Errorf(Invalid, SubjectRoom, "no rooms below that room")
		}
	}
	return nil
}

// openOpenRoom makes an open room, which goes unless something is posted into
// it in time; see [Tx.keepRoom].
func (tx *Tx) openOpenRoom(d RoomDraft) (Room, error) {
	r := Room{ID: NewID(), Family: d.Family, Open: true, Settings: d.Settings, Created: Time(tx.Now())}
	digest := DigestOf(r.ID[:])
	var err error
	if r.Box, err = tx.NewBox(Owner{OwnerOpenRoom, ID(digest[:16])}); err != nil {
		return Room{}, err
	}
	if r.Unused, err = tx.SetTimer(tx.r.Now().Add(tx.r.opts.UnusedAfter), verbDropOpenRoom, digest[:]); err != nil {
		return Room{}, err
	}
	return r, tx.putRoom(r)
}

func (tx *Tx) openRoom(d RoomDraft, pair [2]ID) (Room, error) {
	r := Room{
		ID: tx.freshIn(kindRoom), Family: d.Family, Direct: pair != [2]ID{}, Pair: pair, Parent: d.Parent,
		Inherit: d.Inherit, Within: d.Within, Settings: d.Settings,
	}
	var err error
	if r.Box, err = tx.NewBox(Owner{OwnerRoom, r.ID}); err != nil {
		return Room{}, err
	}
	e, err := tx.tell(r.Box, EventOpened, d.By, MemberEvent{Room: r.ID})
	if err != nil {
		return Room{}, err
	}
	r.Created = e.ID.Time
	for _, s := range d.Members {
		if _, err := tx.seat(&r, d.By, s, r.Created); err != nil {
			return Room{}, err
		}
	}
	if !r.Parent.IsZero() {
		tx.Put(newKey(kindChild).id(r.Parent).id(r.ID), nil)
	}
	if err := tx.tellParent(r, EventOpened, d.By, nil); err != nil {
		return Room{}, err
	}
	return r, tx.putRoom(r)
}

// Room returns a room with members; NotFound when there is none, or it closed.
func (tx *Tx) Room(id ID) (Room, error) {
	r := Room{ID: id}
	found, err := recall(tx, newKey(kindRoom).id(id), &r)
	if err == nil && (!found || r.Closed != 0) {
		return Room{}, noRoom()
	}
	return r, err
}

// OpenRoomByID returns an open room to whoever knows its id; NotFound otherwise.
func (tx *Tx) OpenRoomByID(id ID) (Room, error) {
	r := Room{ID: id}
	found, err := recall(tx, newKey(kindOpenRoom).digest(DigestOf(id[:])), &r)
	if err == nil && !found {
		return Room{}, noRoom()
	}
	return r, err
}

// RoomByPrefix returns the room with members whose id begins with p: some
// families show no more of it.
func (tx *Tx) RoomByPrefix(p [12]byte) (Room, error) {
	id, _ := tx.seek(kindRoom, p)
	return tx.Room(id)
}

// ChangeRoom replaces a room's settings. With a note, the room's box gets a
// changed event that carries it: which of its settings changed, in the home
// family's words. Open rooms are ruled by nobody.
func (tx *Tx) ChangeRoom(by, id ID, settings, note []byte) (Room, error) {
	r, err := tx.Room(id)
	if err != nil {
		return Room{}, err
	}
	if len(settings) > MaxSettings {
		return Room{}, Errorf(TooLarge, SubjectRoom, "settings too large")
	}
	r.Settings = settings
	if note != nil {
		if _, err := tx.tell(r.Box, EventChanged, by, MemberEvent{Room: id, Note: note}); err != nil {
			return Room{}, err
		}
	}
	return r, tx.putRoom(r)
}

// SetWriters lets only members of at least a role post in a room; RoleMember
// lets all. NotFound: room.
func (tx *Tx) SetWriters(id ID, least Role) (Room, error) {
	r, err := tx.Room(id)
	if err != nil {
		return Room{}, err
	}
	r.Writers = least
	return r, tx.putRoom(r)
}

// Children returns up to limit rooms below a room, in the order of their ids,
// from the one after a given id. Who may see them is the caller's to ask.
func (tx *Tx) Children(parent, after ID, limit int) ([]Room, error) {
	rg := newKey(kindChild).id(parent).all()
	rg.From, rg.Limit = newKey(kindChild).id(parent).id(after).byte(0), limit
	var rooms []Room
	for k := range tx.Scan(rg) {
		r, err := tx.Room(tailID(k))
		if Is(err, NotFound) {
			continue // being removed
		}
		if err != nil {
			return nil, err
		}
		rooms = append(rooms, r)
	}
	return rooms, nil
}

// keepRoom calls off the removal of an open room: something was posted in it.
func (tx *Tx) keepRoom(r Room) error {
	if !r.Open || r.Unused.IsZero() {
		return nil
	}
	tx.CancelTimer(r.Unused)
	r.Unused = TimerID{}
	return tx.putRoom(r)
}

// dropOpenRoom removes an open room in which nothing was posted.
func dropOpenRoom(tx *Tx, arg []byte) error {
	var r Room
	k := newKey(kindOpenRoom).bytes(arg)
	if found, err := tx.get(k, &r); err != nil || !found || r.Unused.IsZero() {
		return err
	}
	tx.Delete(k)
	return tx.DropBox(r.Box)
}

func (tx *Tx) putRoom(r Room) error {
	if r.Open {
		return tx.put(newKey(kindOpenRoom).digest(DigestOf(r.ID[:])), r)
	}
	return tx.put(newKey(kindRoom).id(r.ID), r)
}

// freshIn returns a new id of which no key of that kind has the first 12 bytes.
func (tx *Tx) freshIn(kind byte) ID {
	for {
		id := NewID()
		if _, taken := tx.seek(kind, [12]byte(id[:12])); !taken {
			return id
		}
	}
}

// seek returns the id of that kind which begins with p.
func (tx *Tx) seek(kind byte, p [12]byte) (id ID, found bool) {
	rg := newKey(kind).bytes(p[:]).all()
	rg.Limit = 1
	for k := range tx.Scan(rg) {
		return ID(k[1:17]), true
	}
	return ID{}, false
}
