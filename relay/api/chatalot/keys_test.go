package chatalot

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"sync"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

// someKeys returns the keys of a device with n one-time prekeys, named from
// first on.
func someKeys(t *testing.T, first, n int) newKeys {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := newKeys{IdentityKey: Bytes(public)}
	k.SignedPrekey = signedPrekey{1, make(Bytes, keyBytes), nil}
	rand.Read(k.SignedPrekey.PublicKey)
	k.SignedPrekey.Signature = ed25519.Sign(private, k.SignedPrekey.PublicKey)
	k.OneTimePrekeys = somePrekeys(first, n)
	return k
}

func somePrekeys(first, n int) (list []oneTimePrekey) {
	for i := range n {
		key := make(Bytes, keyBytes)
		rand.Read(key)
		list = append(list, oneTimePrekey{int32(first + i), key})
	}
	return list
}

// person registers an account by the core alone.
func person(t testing.TB, r *relay.Relay, name string) (acc relay.Account) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		acc, err = tx.Register(relay.AccountDraft{
			Family: family, Logins: []relay.Login{{Kind: loginName, Folded: fold(name)}}, Profile: pack(profile{Username: name}),
		})
		return err
	})
	return acc
}

func claim(t *testing.T, r *relay.Relay, by, who relay.ID) (k *oneTimePrekey) {
	t.Helper()
	relaytest.Update(t, r, func(tx *relay.Tx) (err error) {
		k, err = claimPrekey(tx, by, who)
		return err
	})
	return k
}

// A one-time prekey is handed out once, ever, whoever asks at the same time.
func TestPrekeys_Concurrent(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	alice, bob := person(t, r, "alice"), person(t, r, "bob")
	k := someKeys(t, 1, 100)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return putKeys(tx, alice.ID, k) })
	var mu sync.Mutex
	times := map[int32]int{}
	none := 0
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 10 {
				var got *oneTimePrekey
				err := r.Update(context.Background(), func(tx *relay.Tx) (err error) {
					got, err = claimPrekey(tx, bob.ID, alice.ID)
					return err
				})
				mu.Lock()
				switch {
				case err != nil:
					t.Error(err)
				case got == nil:
					none++
				default:
					times[got.KeyID]++
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(times) != 100 || none != 60 {
		t.Errorf("%d keys were handed out and %d times none, want 100 and 60", len(times), none)
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("key %d was handed out %d times", id, n)
		}
	}
}

func TestPrekeys_OldestFirst(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	alice := person(t, r, "alice")
	relaytest.Update(t, r, func(tx *relay.Tx) error { return putKeys(tx, alice.ID, someKeys(t, 300, 3)) })
	more := somePrekeys(7, 2)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return addTo(tx, alice.ID, more) })
	for _, want := range []int32{300, 301, 302, 7, 8} {
		if got := claim(t, r, alice.ID, alice.ID); got == nil || got.KeyID != want {
			t.Fatalf("got %v, want %d", got, want)
		}
	}
	if got := claim(t, r, alice.ID, alice.ID); got != nil {
		t.Errorf("got %v after the last", got)
	}
}

// addTo is what a request for more prekeys does.
func addTo(tx *relay.Tx, who relay.ID, list []oneTimePrekey) error {
	i, _, err := identities.Get(tx, who)
	if err == nil {
		err = putPrekeys(tx, i, list)
	}
	if err != nil {
		return err
	}
	return identities.Put(tx, who, i)
}

// What was handed out does not come back: neither under its own name, nor under
// another, nor with a new device.
func TestPrekeys_UsedStaysUsed(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	alice := person(t, r, "alice")
	k := someKeys(t, 1, 1)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return putKeys(tx, alice.ID, k) })
	used := claim(t, r, alice.ID, alice.ID)
	again := oneTimePrekey{99, used.PublicKey}
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		return addTo(tx, alice.ID, append(somePrekeys(1, 1), again)) // key_id 1 is taken, used though it is
	})
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		next := someKeys(t, 1, 0)
		next.OneTimePrekeys = []oneTimePrekey{again}
		return putKeys(tx, alice.ID, next)
	})
	if got := claim(t, r, alice.ID, alice.ID); got != nil {
		t.Errorf("got key %d, which was handed out before", got.KeyID)
	}
	relaytest.Update(t, r, func(tx *relay.Tx) error { return addTo(tx, alice.ID, somePrekeys(1, 1)) })
	if got := claim(t, r, alice.ID, alice.ID); got == nil || got.KeyID != 1 {
		t.Errorf("got %v of the new device, want its key 1", got)
	}
}

// A new device's prekeys take the place of those that are left.
func TestPrekeys_NewDevice(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	alice := person(t, r, "alice")
	for first, n := range []int{150, 200, 0} {
		relaytest.Update(t, r, func(tx *relay.Tx) error { return putKeys(tx, alice.ID, someKeys(t, 1, n)) })
		want := max(n, []int{0, 0, 200}[first])
		relaytest.View(t, r, func(tx *relay.Tx) error {
			if got := unusedPrekeys(tx, alice.ID); got != want {
				t.Errorf("%d prekeys, want %d", got, want)
			}
			return nil
		})
	}
}

func TestPrekeys_Bounded(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	alice := person(t, r, "alice")
	relaytest.Update(t, r, func(tx *relay.Tx) error { return putKeys(tx, alice.ID, someKeys(t, 0, 0)) })
	for i := range maxUnused / maxPrekeys {
		relaytest.Update(t, r, func(tx *relay.Tx) error { return addTo(tx, alice.ID, somePrekeys(i*maxPrekeys, maxPrekeys)) })
	}
	err := r.Update(t.Context(), func(tx *relay.Tx) error { return addTo(tx, alice.ID, somePrekeys(5000, 1)) })
	if !relay.Is(err, relay.Invalid) {
		t.Errorf("one more: %v", err)
	}
}

// What was handed out long ago is forgotten, so that nothing grows for ever.
func TestPrekeys_Forgotten(t *testing.T) {
	clock := &relaytest.Clock{}
	r := relaytest.New(t, relay.Options{NoLimits: true, Now: clock.Now})
	alice := person(t, r, "alice")
	relaytest.Update(t, r, func(tx *relay.Tx) error { return putKeys(tx, alice.ID, someKeys(t, 1, 3)) })
	claim(t, r, alice.ID, alice.ID)
	clock.Advance(usedFor + time.Minute)
	claim(t, r, alice.ID, alice.ID)
	relaytest.Update(t, r, func(tx *relay.Tx) error { return addTo(tx, alice.ID, nil) })
	relaytest.View(t, r, func(tx *relay.Tx) error {
		if n := prekeys.Count(tx, "used", relay.Span{Prefix: alice.ID[:]}); n != 1 {
			t.Errorf("%d used keys are remembered, want 1", n)
		}
		return nil
	})
}

// Few keys left are told to their owner.
func TestPrekeys_Low(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	alice, bob := person(t, r, "alice"), person(t, r, "bob")
	relaytest.Update(t, r, func(tx *relay.Tx) error { return putKeys(tx, alice.ID, someKeys(t, 1, fewPrekeys+1)) })
	for range 2 {
		claim(t, r, bob.ID, alice.ID)
	}
	relaytest.View(t, r, func(tx *relay.Tx) error {
		got, err := tx.Since(relay.Events, []relay.Reading{{Box: alice.Box}}, relay.Page{Entries: 9, Bytes: 1 << 20})
		if err != nil || len(got) != 1 || got[0].Kind != tellKeysLow {
			t.Fatalf("told %v, %v", got, err)
		}
		h, err := readHappening(got[0])
		if h.Count != fewPrekeys-1 {
			t.Errorf("told %d", h.Count)
		}
		return err
	})
}

func TestNewKeys_Check(t *testing.T) {
	for name, spoil := range map[string]func(*newKeys){
		"identity":       func(k *newKeys) { k.IdentityKey = k.IdentityKey[1:] },
		"signed":         func(k *newKeys) { k.SignedPrekey.PublicKey = append(k.SignedPrekey.PublicKey, 0) },
		"signature":      func(k *newKeys) { k.SignedPrekey.Signature[5] ^= 1 },
		"no signature":   func(k *newKeys) { k.SignedPrekey.Signature = nil },
		"another signer": func(k *newKeys) { k.IdentityKey = someKeys(t, 0, 0).IdentityKey },
		"one-time":       func(k *newKeys) { k.OneTimePrekeys[0].PublicKey = nil },
		"too many":       func(k *newKeys) { k.OneTimePrekeys = somePrekeys(0, maxPrekeys+1) },
	} {
		k := someKeys(t, 1, 2)
		if err := k.check(); err != nil {
			t.Fatal(err)
		}
		if spoil(&k); !relay.Is(k.check(), relay.Invalid) {
			t.Errorf("%s: %v", name, k.check())
		}
	}
}

// mayFetch asks as keyBundle does.
func mayFetch(t *testing.T, r *relay.Relay, who, target relay.ID) (err error) {
	t.Helper()
	relaytest.View(t, r, func(tx *relay.Tx) error {
		err = mayFetchKeys(tx, who, target)
		return nil
	})
	return err
}

// Keys are for those one shares a room with, and for the instance's owner.
func TestMayFetchKeys(t *testing.T) {
	r := relaytest.New(t, relay.Options{NoLimits: true})
	alice, bob, carol, root := person(t, r, "alice"), person(t, r, "bob"), person(t, r, "carol"), person(t, r, "root")
	relaytest.Update(t, r, func(tx *relay.Tx) error {
		_, _, err := tx.OpenDirect(alice.ID, bob.ID, relay.RoomDraft{By: alice.ID, Family: family})
		if err != nil {
			return err
		}
		root, err := findAccount(tx, "root")
		if err != nil {
			return err
		}
		return makeOwner(tx, root.ID)
	})
	for name, c := range map[string]struct {
		who, target relay.ID
		may         bool
	}{
		"himself":       {alice.ID, alice.ID, true},
		"in a room":     {alice.ID, bob.ID, true},
		"other way":     {bob.ID, alice.ID, true},
		"stranger":      {carol.ID, alice.ID, false},
		"nobody":        {root.ID, relay.ID(binary.BigEndian.AppendUint64(make([]byte, 8), 9)), false},
		"owner":         {root.ID, alice.ID, true},
		"of the owner":  {alice.ID, root.ID, false},
		"own, no rooms": {carol.ID, carol.ID, true},
	} {
		if err := mayFetch(t, r, c.who, c.target); (err == nil) != c.may || !c.may && !relay.Is(err, relay.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
