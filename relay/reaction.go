package relay

// A Reacting is what an account changes about its reactions to a message.
type Reacting struct {
	Add    string   // "": none
	Remove []string // those that are not there are no error, Add stays
	Most   int      // how many different ones the message may have, of all accounts; 0: any number
}

// React adds to and takes from the reactions of an account to a message, tells
// its box in one event, and reports whether that was news. NotFound (message):
// no such message, or erased. TooLarge: the name. Conflict (message): Add is one
// more than the different ones that there may be.
func (tx *Tx) React(id EntryID, who ID, r Reacting) (changed bool, err error) {
	ev := EntryEvent{Entries: []Time{id.Time}}
	for _, name := range r.Remove {
		if name == r.Add {
			continue
		}
		was, err := tx.ClearMark(id, Reaction, who, name)
		if err != nil {
			return false, err
		}
		if was {
			ev.Was = append(ev.Was, name)
		}
	}
	if r.Add != "" {
		if err := tx.roomForReaction(id, r); err != nil {
			return false, err
		}
		added, err := tx.SetMark(id, Reaction, who, r.Add)
		if err != nil {
			return false, err
		}
		if added {
			ev.Name = r.Add
			_, err = tx.TellEntries(id.Box, EventReacted, who, ev)
			return true, err
		}
	}
	if len(ev.Was) == 0 {
		return false, nil
	}
	ev.Name, ev.Was = ev.Was[0], ev.Was[1:]
	_, err = tx.TellEntries(id.Box, EventUnreacted, who, ev)
	return true, err
}

// roomForReaction fails when a message has as many different reactions as it
// may, and this is another.
func (tx *Tx) roomForReaction(id EntryID, r Reacting) error {
	if r.Most == 0 {
		return nil
	}
	names := map[string]bool{}
	for m, err := range tx.Marks(id, Reaction) {
		if err != nil {
			return err
		}
		if names[m.Name] = true; m.Name == r.Add {
			return nil
		}
	}
	if len(names) >= r.Most {
		return Errorf(Conflict, SubjectMessage, "at most %d different reactions to a message", r.Most)
	}
	return nil
}

// Reactions returns what an event of the kinds reacted and unreacted says: which
// reaction was added, if one was, and which were taken away.
func (ev EntryEvent) Reactions(kind string) (added string, removed []string) {
	if kind == EventReacted {
		return ev.Name, ev.Was
	}
	return "", append([]string{ev.Name}, ev.Was...)
}
