package relay

// KindNotice is the kind of a message that nobody wrote: it says in the stream
// of a room what happened there, and each family words it for its readers. No
// client may send one.
const KindNotice = "notice"

// What a [Notice] tells.
const (
	NoticeAdded   = "added"   // Account was let in by the sender
	NoticeRemoved = "removed" // Account was taken out by the sender
	NoticeLeft    = "left"    // Account left
	NoticePicture = "picture" // the room has another picture
	NoticeRenamed = "renamed" // the room has another name
	NoticeRole    = "role"    // Account was given another role by the sender
	NoticeRekeyed = "rekeyed" // the room's messages are sealed with another key
)

// A Notice is what happened, and to whom: never a text.
type Notice struct {
	What    string `cbor:"1,keyasint"`
	Account ID     `cbor:"2,keyasint,omitzero"`
	Note    []byte `cbor:"3,keyasint,omitempty"` // the home family's, at most MaxRest bytes
}

// Notify appends a notice to the messages of a box; whoever it is from may have
// left the room. NotFound: no such box. Full: the box is. TooLarge: the note.
func (tx *Tx) Notify(b BoxID, by ID, n Notice) (Entry, error) {
	if len(n.Note) > MaxRest {
		return Entry{}, Errorf(TooLarge, SubjectMessage, "note too long")
	}
	extra, err := encoding.Marshal(n)
	if err != nil {
		return Entry{}, err
	}
	return tx.Append(b, Draft{Kind: KindNotice, From: by, Extra: extra})
}

// ReadNotice returns what a notice says.
func ReadNotice(e Entry) (Notice, error) {
	var n Notice
	return n, decode(e.Extra, &n)
}
