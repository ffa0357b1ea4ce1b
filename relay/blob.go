package relay

import "time"

// Limits of blobs. Families have tighter ones of their own.
const (
	MaxBlob      = 1 << 30        // bytes
	MaxBlobExtra = 4 << 10        // bytes of a family's own fields
	BlobQuota    = 500 << 20      // bytes of one owner, where a draft says nothing
	MaxBlobs     = 10_000         // of one owner, whatever they weigh: each is a file and a row
	BlobUploads  = 24 * time.Hour // how long a blob waits for its bytes
)

// A Blob is opaque bytes on the disk: an attachment, an avatar. Its bytes come
// once and never change.
type Blob struct {
	ID      ID      `cbor:"-"` // from the key
	Owner   ID      `cbor:"1,keyasint"`
	Family  string  `cbor:"2,keyasint"`
	Type    string  `cbor:"3,keyasint,omitempty"` // as the owner says
	Rule    Rule    `cbor:"4,keyasint,omitzero"`
	Size    int64   `cbor:"5,keyasint"`          // until stored, how many bytes may come
	Hash    Digest  `cbor:"6,keyasint,omitzero"` // SHA-256 of the bytes alone
	Created Time    `cbor:"7,keyasint"`
	Stored  Time    `cbor:"8,keyasint,omitempty"` // 0: the bytes have not come yet
	Expires Time    `cbor:"9,keyasint,omitempty"` // 0: never
	Timer   TimerID `cbor:"10,keyasint,omitzero"` // removes it when it expires, or its bytes do not come
	Extra   []byte  `cbor:"11,keyasint,omitempty"`
}

// A RuleKind says who may open a blob.
type RuleKind uint8

const (
	OpenToOwner    RuleKind = iota
	OpenToMembers           // of Rule.Room
	OpenToAccounts          // of the blob's family
	OpenToAnyone            // who knows its id
)

// A Rule is kept with a blob and decides who may open it, through every door.
type Rule struct {
	Kind RuleKind `cbor:"1,keyasint,omitempty"`
	Room ID       `cbor:"2,keyasint,omitzero"`
}

// A BlobDraft is a blob to be.
type BlobDraft struct {
	Owner   ID
	Family  string
	Type    string
	MaxSize int64 // bytes; more is refused
	Quota   int64 // bytes that all blobs of the owner may have; 0: BlobQuota
	Expires Time
	Rule    Rule
	Extra   []byte
}

// usage is what the blobs of one owner take.
type usage struct {
	Bytes int64 `cbor:"1,keyasint,omitempty"`
	Blobs int   `cbor:"2,keyasint,omitempty"`
}

const (
	usagePrefix  = "blobs" // in kindMeta
	verbDropBlob = "drop blob"
)

func blobKey(id ID) key     { return newKey(kindBlob).id(id) }
func usageKey(owner ID) key { return newKey(kindMeta).word(usagePrefix).id(owner) }

// ReserveBlob makes room for a blob whose bytes will come ([Relay.FillBlob])
// within BlobUploads; until then it takes MaxSize of its owner's quota.
// TooLarge (blob): MaxSize over MaxBlob, or too many fields. Full (blob): the
// quota is used up, or the owner has as many as one may; Full: the disk.
func (tx *Tx) ReserveBlob(d BlobDraft) (Blob, error) {
	switch {
	case tx.r.blobs == nil:
		return Blob{}, Errorf(Full, SubjectBlob, "no files are kept here")
	case d.MaxSize < 0 || d.MaxSize > MaxBlob || len(d.Extra)+len(d.Type) > MaxBlobExtra:
		return Blob{}, Errorf(TooLarge, SubjectBlob, "file too large")
	}
	if err := tx.r.space.founding(); err != nil {
		return Blob{}, err
	}
	if err := tx.use(d.Owner, d.MaxSize, 1, d.Quota); err != nil {
		return Blob{}, err
	}
	b := Blob{
		ID: tx.freshIn(kindBlob), Owner: d.Owner, Family: d.Family, Type: d.Type, Rule: d.Rule, Size: d.MaxSize,
		Created: Time(tx.Now()), Expires: d.Expires, Extra: d.Extra,
	}
	due := tx.r.Now().Add(BlobUploads)
	if b.Expires != 0 {
		due = min(due, b.Expires)
	}
	var err error
	if b.Timer, err = tx.SetTimer(due, verbDropBlob, b.ID[:]); err != nil {
		return Blob{}, err
	}
	return b, tx.put(blobKey(b.ID), b)
}

// Blob returns a blob, its bytes come or not; NotFound when there is none, or
// it has expired.
func (tx *Tx) Blob(id ID) (Blob, error) {
	b := Blob{ID: id}
	found, err := tx.get(blobKey(id), &b)
	if err == nil && (!found || b.Expires != 0 && b.Expires <= tx.r.Now()) {
		return Blob{}, Errorf(NotFound, SubjectBlob, "no such file")
	}
	return b, err
}

// BlobByPrefix returns the blob whose id begins with p: some families show no
// more of it.
func (tx *Tx) BlobByPrefix(p [12]byte) (Blob, error) {
	id, _ := tx.seek(kindBlob, p)
	return tx.Blob(id)
}

// ChangeBlob replaces who may open a blob, when it expires (0: never), and its
// family's own fields. NotFound: no such blob. TooLarge: the fields.
func (tx *Tx) ChangeBlob(id ID, rule Rule, expires Time, extra []byte) (Blob, error) {
	b, err := tx.Blob(id)
	if err != nil {
		return Blob{}, err
	}
	if len(extra)+len(b.Type) > MaxBlobExtra {
		return Blob{}, Errorf(TooLarge, SubjectBlob, "too much to keep with a file")
	}
	b.Rule, b.Expires, b.Extra = rule, expires, extra
	if b.Stored != 0 {
		if err := tx.timeBlob(&b); err != nil {
			return Blob{}, err
		}
	}
	return b, tx.put(blobKey(id), b)
}

// timeBlob has a stored blob removed when it expires, if it does.
func (tx *Tx) timeBlob(b *Blob) (err error) {
	tx.CancelTimer(b.Timer)
	b.Timer = TimerID{}
	if b.Expires != 0 {
		b.Timer, err = tx.SetTimer(b.Expires, verbDropBlob, b.ID[:])
	}
	return err
}

// RemoveBlob removes a blob and gives its owner the quota back. The bytes go
// after the commit. NotFound: no such blob.
func (tx *Tx) RemoveBlob(id ID) error {
	b := Blob{ID: id}
	found, err := tx.get(blobKey(id), &b)
	if err != nil {
		return err
	}
	if !found {
		return Errorf(NotFound, SubjectBlob, "no such file")
	}
	tx.CancelTimer(b.Timer)
	tx.Delete(blobKey(id))
	if blobs := tx.r.blobs; blobs != nil {
		tx.OnCommit(func() { blobs.doom(id) })
	}
	return tx.use(b.Owner, -b.Size, -1, MaxBlob)
}

// UsedBy returns how many bytes the blobs of an account take, reserved ones
// included, and how many blobs they are.
func (tx *Tx) UsedBy(owner ID) (bytes int64, blobs int, err error) {
	var u usage
	_, err = tx.get(usageKey(owner), &u)
	return u.Bytes, u.Blobs, err
}

// use counts bytes and blobs on their owner, or off him. Full (blob): more than
// the quota.
func (tx *Tx) use(owner ID, bytes int64, blobs int, quota int64) error {
	var u usage
	if _, err := tx.get(usageKey(owner), &u); err != nil {
		return err
	}
	if quota == 0 {
		quota = BlobQuota
	}
	u.Bytes, u.Blobs = max(u.Bytes+bytes, 0), max(u.Blobs+blobs, 0)
	if bytes > 0 && u.Bytes > quota || blobs > 0 && u.Blobs > MaxBlobs && !owner.IsZero() {
		return Errorf(Full, SubjectBlob, "no room for more files")
	}
	if u == (usage{}) {
		tx.Delete(usageKey(owner))
		return nil
	}
	return tx.put(usageKey(owner), u)
}

// dropBlob removes a blob that has expired, or whose bytes did not come.
func dropBlob(tx *Tx, arg []byte) error {
	if err := tx.RemoveBlob(ID(arg)); !Is(err, NotFound) {
		return err
	}
	return nil
}
