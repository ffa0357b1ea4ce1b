package relay

import (
	"crypto/sha256"
	"crypto/subtle"
)

// SetLogin gives an account a login; one it has already is no error. Conflict
// (login): another account of the family has it. A removed account has none.
func (tx *Tx) SetLogin(a Account, l Login) error {
	k := loginKey(a.Family, l)
	if owner := tx.Get(k); owner != nil && ID(owner) != a.ID {
		if _, err := tx.Account(ID(owner)); !Is(err, NotFound) {
			return firstOf(err, func() error { return Errorf(Conflict, SubjectLogin, "%s is taken", l.Kind) })
		}
	}
	tx.Put(k, a.ID[:])
	tx.Put(loginsKey(a.ID, k), nil)
	return nil
}

// DropLogin takes a login from an account that has it.
func (tx *Tx) DropLogin(a Account, l Login) { tx.dropLogin(a.ID, loginKey(a.Family, l)) }

func (tx *Tx) dropLogin(id ID, k key) {
	if owner := tx.Get(k); owner != nil && ID(owner) == id {
		tx.Delete(k)
	}
	tx.Delete(loginsKey(id, k))
}

// dropLogins takes up to max logins from an account and reports whether any
// are left.
func (tx *Tx) dropLogins(id ID, max int) (left bool) {
	rg := newKey(kindLogins).id(id).all()
	rg.Limit = max
	var logins []key
	for k := range tx.Scan(rg) {
		logins = append(logins, newKey(kindLogin).bytes(k[1+len(id):]))
	}
	for _, k := range logins {
		tx.dropLogin(id, k)
	}
	return len(logins) == max
}

// FindLogin returns the account of a login. NotFound (account) when there is
// none; logins of removed accounts find nothing.
func (tx *Tx) FindLogin(family string, l Login) (Account, error) {
	owner := tx.Get(loginKey(family, l))
	if owner == nil {
		return Account{}, Errorf(NotFound, SubjectAccount, "no such user")
	}
	return tx.Account(ID(owner))
}

func loginKey(family string, l Login) key {
	return newKey(kindLogin).word(family).word(l.Kind).last(l.Folded)
}

// loginsKey is where a login of that key stands in its account's list.
func loginsKey(id ID, login key) key { return newKey(kindLogins).id(id).bytes(login[1:]) }

// SetCredential keeps what an account proves itself with (the hash of a
// password, a recovery code's digest, a sealed TOTP secret) under a name. Nil
// removes it.
func (tx *Tx) SetCredential(id ID, name string, value []byte) {
	k := newKey(kindCredential).id(id).last(name)
	if value == nil {
		tx.Delete(k)
		return
	}
	tx.Put(k, value)
}

// Credential returns a copy of what SetCredential kept, nil when there is none.
func (tx *Tx) Credential(id ID, name string) []byte {
	return clone(tx.Get(newKey(kindCredential).id(id).last(name)))
}

// A Device is one of the things an account is used from. It has several tokens
// where its family knows several kinds.
type Device struct {
	Name    string   `cbor:"1,keyasint"` // the family's name for it, at most 255 bytes
	Info    []byte   `cbor:"2,keyasint,omitempty"`
	Created Time     `cbor:"3,keyasint"`
	Seen    Time     `cbor:"4,keyasint,omitempty"`
	Tokens  []Digest `cbor:"5,keyasint,omitempty"`
}

// A Token lets its bearer act for an account from a device. Only its digest is
// stored.
type Token struct {
	Account ID     `cbor:"1,keyasint"`
	Family  string `cbor:"2,keyasint"`
	Device  string `cbor:"3,keyasint,omitempty"`
	Purpose string `cbor:"4,keyasint,omitempty"` // "access", "refresh"; empty: the only one
	Created Time   `cbor:"5,keyasint"`
	Expires Time   `cbor:"6,keyasint,omitempty"` // 0: never
	Extra   []byte `cbor:"7,keyasint,omitempty"`
}

// maxTokens bounds the tokens of one device; the oldest goes first.
const maxTokens = 16

// Device returns a device of an account; NotFound (device) when there is none.
func (tx *Tx) Device(id ID, name string) (Device, error) {
	var d Device
	found, err := tx.get(deviceKey(id, name), &d)
	if err == nil && !found {
		err = Errorf(NotFound, SubjectDevice, "no such device")
	}
	return d, err
}

// PutDevice stores a device of an account.
func (tx *Tx) PutDevice(id ID, d Device) error {
	if d.Created == 0 {
		d.Created = tx.r.Now()
	}
	return tx.put(deviceKey(id, d.Name), d)
}

// Devices returns up to max devices of an account.
func (tx *Tx) Devices(id ID, max int) ([]Device, error) {
	rg := newKey(kindDevice).id(id).all()
	rg.Limit = max
	var got []Device
	for _, v := range tx.Scan(rg) {
		var d Device
		if err := decode(v, &d); err != nil {
			return nil, err
		}
		got = append(got, d)
	}
	return got, nil
}

// DropDevice removes a device and its tokens. One that is gone is no error.
func (tx *Tx) DropDevice(id ID, name string) error {
	d, err := tx.Device(id, name)
	if Is(err, NotFound) {
		return nil
	}
	if err == nil {
		tx.dropDevice(id, d)
	}
	return err
}

func (tx *Tx) dropDevice(id ID, d Device) {
	for _, t := range d.Tokens {
		tx.Delete(newKey(kindToken).digest(t))
	}
	tx.Delete(deviceKey(id, d.Name))
}

func deviceKey(id ID, name string) key {
	sum := sha256.Sum256([]byte(name))
	return newKey(kindDevice).id(id).bytes(sum[:16])
}

// Grant makes secret a token of its account and device; the device is made if
// it is new. The caller made the secret from 128 random bits or more.
func (tx *Tx) Grant(secret string, t Token) error {
	d, err := tx.Device(t.Account, t.Device)
	if Is(err, NotFound) {
		d, err = Device{Name: t.Device}, nil
	}
	if err != nil {
		return err
	}
	t.Created = tx.r.Now()
	sum := secretDigest(secret)
	if d.Tokens = append(d.Tokens, sum); len(d.Tokens) > maxTokens {
		tx.Delete(newKey(kindToken).digest(d.Tokens[0]))
		d.Tokens = d.Tokens[1:]
	}
	if err := tx.put(newKey(kindToken).digest(sum), t); err != nil {
		return err
	}
	return tx.PutDevice(t.Account, d)
}

// Revoke makes a token worthless. One that is worthless already is no error.
func (tx *Tx) Revoke(secret string) error {
	sum := secretDigest(secret)
	var t Token
	found, err := tx.get(newKey(kindToken).digest(sum), &t)
	if err != nil || !found {
		return err
	}
	tx.Delete(newKey(kindToken).digest(sum))
	d, err := tx.Device(t.Account, t.Device)
	if err != nil {
		return err
	}
	for i := range d.Tokens {
		if d.Tokens[i] == sum {
			d.Tokens = append(d.Tokens[:i], d.Tokens[i+1:]...)
			break
		}
	}
	return tx.PutDevice(t.Account, d)
}

// A Claim is what a request says of its caller.
type Claim struct {
	Secret  string // the token as it came
	Named   ID     // the account it names, where Names is set
	Names   bool
	Family  string
	Device  string // the device it names; empty: none
	Purpose string
	// Believed: who is named is who calls, and no secret is asked for; nobody,
	// where nobody is named. Only what is served on a listener of its own, to
	// callers the operator trusts, may claim so; never what a client sends.
	Believed bool
	// Proved: the family has found by itself, by a signature, that the request
	// comes from Named's device Device. Whether both are still there is asked all
	// the same, so that a device that was dropped is out at once.
	Proved bool
}

// A Caller is an account that has proved itself.
type Caller struct {
	Account ID
	Box     BoxID
	Device  string
	Unused  bool // this is the account's first call, see FirstUse
}

// Authenticate returns the caller of a claim. Every failure is the same
// Unauthorized: the token is found by its digest and compared with what was
// claimed, so unknown and wrong take one path. A claim that is believed fails
// with NotFound (account) instead, when the family has nobody of that id.
func (tx *Tx) Authenticate(c Claim) (Caller, error) {
	if c.Believed {
		return tx.believe(c)
	}
	if c.Proved {
		return tx.proved(c)
	}
	var t Token
	found, err := recall(tx, newKey(kindToken).digest(secretDigest(c.Secret)), &t)
	if err != nil {
		return Caller{}, err
	}
	named := !c.Names || subtle.ConstantTimeCompare(t.Account[:], c.Named[:]) == 1
	device := c.Device == "" || c.Device == t.Device
	fresh := t.Expires == 0 || t.Expires > tx.r.Now()
	if !found || !named || !device || !fresh || t.Family != c.Family || t.Purpose != c.Purpose {
		return Caller{}, refused
	}
	a, err := tx.Account(t.Account)
	if Is(err, NotFound) || (err == nil && a.Suspended != 0) {
		return Caller{}, refused
	}
	return Caller{Account: a.ID, Box: a.Box, Device: t.Device, Unused: !a.Unused.IsZero()}, err
}

// believe returns who a claim names.
func (tx *Tx) believe(c Claim) (Caller, error) {
	if !c.Names {
		return Caller{}, nil
	}
	a, err := tx.Account(c.Named)
	if err == nil && (a.Family != c.Family || a.Suspended != 0) {
		err = Errorf(NotFound, SubjectAccount, "no such user")
	}
	return Caller{Account: a.ID, Box: a.Box, Device: c.Device, Unused: !a.Unused.IsZero()}, err
}

// proved lets in whoever a signature speaks for, while account and device last.
func (tx *Tx) proved(c Claim) (Caller, error) {
	a, err := tx.Account(c.Named)
	if err == nil && (a.Suspended != 0 || a.Family != c.Family) {
		return Caller{}, refused
	}
	if err == nil {
		_, err = tx.Device(c.Named, c.Device)
	}
	if Is(err, NotFound) {
		return Caller{}, refused
	}
	if err != nil {
		return Caller{}, err
	}
	return Caller{Account: a.ID, Box: a.Box, Device: c.Device, Unused: !a.Unused.IsZero()}, nil
}

var refused = Errorf(Unauthorized, SubjectToken, "unauthorized")

func secretDigest(secret string) Digest { return sha256.Sum256([]byte(secret)) }

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}
