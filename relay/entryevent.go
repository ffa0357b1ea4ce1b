package relay

// Kinds of the events that say what became of messages of a box. They lie in the
// box itself, and their Extra is an [EntryEvent].
const (
	EventEdited    = "edited"
	EventErased    = "erased" // for everybody, whether a tombstone is left or nothing
	EventDelivered = "delivered"
	EventRead      = "read"
	EventReacted   = "reacted" // Name is the reaction
	EventUnreacted = "unreacted"
	EventPinned    = "pinned"
	EventUnpinned  = "unpinned"
)

// MaxTold is how many messages one event may name: one event a call, not one a
// message.
const MaxTold = 1000

// An EntryEvent says which messages of its box something happened to. What they
// are now is the reader's to look up: the event never says how they look.
type EntryEvent struct {
	Entries []Time   `cbor:"1,keyasint"`           // at most MaxTold
	Name    string   `cbor:"2,keyasint,omitempty"` // which reaction
	Note    []byte   `cbor:"3,keyasint,omitempty"` // the home family's words, at most MaxRest bytes
	Was     []string `cbor:"4,keyasint,omitempty"` // other reactions that were taken away with it, at most MaxTold
}

// TellEntries appends an event about messages to their box. NotFound: no such
// box. TooLarge: it names too many, or says too much.
func (tx *Tx) TellEntries(b BoxID, kind string, by ID, ev EntryEvent) (Entry, error) {
	if len(ev.Entries) > MaxTold || len(ev.Name) > MaxMarkName || len(ev.Note) > MaxRest || len(ev.Was) > MaxTold {
		return Entry{}, Errorf(TooLarge, SubjectMessage, "too much for one event")
	}
	extra, err := encoding.Marshal(ev)
	if err != nil {
		return Entry{}, err
	}
	return tx.Append(b, Draft{Lane: Events, Kind: kind, From: by, Extra: extra})
}

// ReadEntryEvent returns what one of the events above says.
func ReadEntryEvent(e Entry) (EntryEvent, error) {
	var ev EntryEvent
	return ev, decode(e.Extra, &ev)
}
