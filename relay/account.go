package relay

import (
	"time"
)

// An Account is somebody with a box: an id, a home family, and an opaque
// profile that the family keeps with it.
type Account struct {
	ID     ID     `cbor:"-"`
	Family string `cbor:"1,keyasint"`
	// Mailbox: messages to this account go into its own box and are handed out
	// from there; it has no direct rooms and keeps no history.
	Mailbox bool   `cbor:"2,keyasint,omitempty"`
	Box     BoxID  `cbor:"3,keyasint,omitzero"`
	Profile []byte `cbor:"4,keyasint,omitempty"`
	Created Time   `cbor:"5,keyasint"`
	// Unused is the timer that removes an account nobody ever called with; the
	// first call takes it back.
	Unused    TimerID `cbor:"6,keyasint,omitzero"`
	Suspended Time    `cbor:"7,keyasint,omitempty"`
	// Removed: only a stub is left, so that what it sent can still name it.
	Removed Time `cbor:"8,keyasint,omitempty"`
	// Opened counts the open rooms it made: in all, and on the day OpenedOn.
	Opened      int  `cbor:"9,keyasint,omitempty"`
	OpenedToday int  `cbor:"10,keyasint,omitempty"`
	OpenedOn    Time `cbor:"11,keyasint,omitempty"`
}

// A Login is a name by which an account is found in its family: a username, an
// e-mail address, the hash of a phone number. Folded is its canonical form,
// made by the family; it is unique among the family's logins of one kind.
type Login struct {
	Kind   string // no zero bytes
	Folded string // at most 512 bytes
}

// An AccountDraft is an account to be.
type AccountDraft struct {
	Family  string
	Mailbox bool
	Profile []byte
	Logins  []Login
	// Expires removes the account if it is never used, see Options.UnusedAfter.
	Expires bool
}

// Register makes an account. Conflict (login): a login is taken.
func (tx *Tx) Register(d AccountDraft) (Account, error) {
	a := Account{ID: tx.freshID(), Family: d.Family, Mailbox: d.Mailbox, Profile: d.Profile, Created: tx.r.Now()}
	var err error
	if a.Box, err = tx.NewBox(Owner{OwnerAccount, a.ID}); err != nil {
		return a, err
	}
	if d.Expires {
		due := a.Created.Add(tx.r.opts.UnusedAfter)
		if a.Unused, err = tx.SetTimer(due, verbDropUnused, a.ID[:]); err != nil {
			return a, err
		}
	}
	for _, l := range d.Logins {
		if err := tx.SetLogin(a, l); err != nil {
			return a, err
		}
	}
	return a, tx.ChangeAccount(a)
}

// freshID returns an id whose first 12 bytes no account has: some families show
// no more of it.
func (tx *Tx) freshID() ID {
	for {
		id := NewID()
		rg := newKey(kindAccount).bytes(id[:12]).all()
		rg.Limit = 1
		taken := id.IsZero()
		for range tx.Scan(rg) {
			taken = true
		}
		if !taken {
			return id
		}
	}
}

// Account returns an account that is in use. NotFound: there is none, or it was
// removed.
func (tx *Tx) Account(id ID) (Account, error) {
	a, err := tx.Stub(id)
	if err == nil && a.Removed != 0 {
		err = Errorf(NotFound, SubjectAccount, "no such user")
	}
	return a, err
}

// Stub is Account, removed ones included. The last one asked for is kept for
// as long as the transaction: a sender is looked at more than once.
func (tx *Tx) Stub(id ID) (Account, error) {
	if tx.account.ID == id && !id.IsZero() {
		return tx.account, nil
	}
	a := Account{ID: id}
	found, err := recall(tx, newKey(kindAccount).id(id), &a)
	if err == nil && !found {
		err = Errorf(NotFound, SubjectAccount, "no such user")
	}
	if err == nil {
		tx.account = a
	}
	return a, err
}

// ChangeAccount stores an account that was changed.
func (tx *Tx) ChangeAccount(a Account) error {
	tx.account = Account{}
	return tx.put(newKey(kindAccount).id(a.ID), a)
}

// AccountByPrefix returns the account whose id begins with the 12 bytes that
// some families show. NotFound as for Account.
func (tx *Tx) AccountByPrefix(p [12]byte) (Account, error) {
	rg := newKey(kindAccount).bytes(p[:]).all()
	rg.Limit = 1
	for k := range tx.Scan(rg) {
		return tx.Account(tailID(k))
	}
	return Account{}, Errorf(NotFound, SubjectAccount, "no such user")
}

// FirstUse takes back the removal of an account that nobody had called with
// yet. Later calls change nothing.
func (tx *Tx) FirstUse(id ID) error {
	a, err := tx.Account(id)
	if err != nil || a.Unused.IsZero() {
		return err
	}
	tx.CancelTimer(a.Unused)
	a.Unused = TimerID{}
	return tx.ChangeAccount(a)
}

// Suspend keeps an account from calling until Unsuspend; nothing of it is lost.
func (tx *Tx) Suspend(id ID) error { return tx.suspended(id, tx.r.Now()) }

// Unsuspend lets a suspended account call again.
func (tx *Tx) Unsuspend(id ID) error { return tx.suspended(id, 0) }

func (tx *Tx) suspended(id ID, since Time) error {
	a, err := tx.Account(id)
	if err != nil {
		return err
	}
	a.Suspended = since
	return tx.ChangeAccount(a)
}

// RemoveAccount makes an account unreachable at once and removes what belongs
// to it (box, logins, credentials, devices with their tokens, blocks,
// memberships, records that go with it) in steps. A stub stays, so that what it sent can still name it.
func (tx *Tx) RemoveAccount(id ID) error {
	a, err := tx.Account(id)
	if err != nil {
		return err
	}
	tx.CancelTimer(a.Unused)
	if err := tx.DropBox(a.Box); err != nil {
		return err
	}
	if _, err := tx.SetTimer(tx.r.Now(), verbDropAccount, id[:]); err != nil {
		return err
	}
	return tx.ChangeAccount(Account{ID: id, Family: a.Family, Created: a.Created, Removed: tx.r.Now()})
}

const (
	verbDropUnused  = "drop unused account"
	verbDropAccount = "drop account"
)

// dropUnused removes an account that was never used, stub and all: nobody can
// have heard of it from itself.
func dropUnused(tx *Tx, arg []byte) error {
	id := ID(arg)
	a, err := tx.Account(id)
	if Is(err, NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	if a.Unused.IsZero() {
		return nil // used since
	}
	if err := tx.RemoveAccount(id); err != nil {
		return err
	}
	tx.account = Account{}
	tx.Delete(newKey(kindAccount).id(id))
	return nil
}

// dropAccount does one step of removing what a removed account had.
func dropAccount(tx *Tx, arg []byte) error {
	id := ID(arg)
	again := func() error {
		_, err := tx.SetTimer(tx.r.Now(), verbDropAccount, arg)
		return err
	}
	devices, err := tx.Devices(id, 100)
	if err != nil {
		return err
	}
	for _, d := range devices {
		tx.dropDevice(id, d)
	}
	if len(devices) > 0 || tx.dropLogins(id, StepKeys) {
		return again()
	}
	if left, err := tx.LeaveRooms(id, 100); err != nil || left {
		return firstOf(err, again)
	}
	if left, err := tx.dropOwned(id); err != nil || left {
		return firstOf(err, again)
	}
	for _, kind := range []byte{kindCredential, kindBlock, kindCursor} {
		if tx.deleteSome(newKey(kind).id(id).all(), StepKeys) {
			return again()
		}
	}
	return nil
}

func firstOf(err error, fn func() error) error {
	if err != nil {
		return err
	}
	return fn()
}

// dayOf returns the start of the UTC day of t.
func dayOf(t Time) Time { return t - t%Time(24*time.Hour/time.Millisecond) }
