package relay

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
)

// OpenBlob opens the bytes of a blob for an account that its rule lets in. The
// caller closes the file. NotFound (blob): none, not stored yet, or not for it.
func (r *Relay) OpenBlob(ctx context.Context, who, id ID) (*os.File, Blob, error) {
	return r.openBlob(ctx, id, func(tx *Tx, b Blob) error { return tx.MayOpen(who, b) })
}

// OpenSignedBlob opens the bytes of a blob for whoever brings a signed address
// of it ([Relay.VerifyBlobURL]); the rule was asked when it was signed.
func (r *Relay) OpenSignedBlob(ctx context.Context, id ID) (*os.File, Blob, error) {
	return r.openBlob(ctx, id, func(*Tx, Blob) error { return nil })
}

func (r *Relay) openBlob(ctx context.Context, id ID, may func(*Tx, Blob) error) (f *os.File, b Blob, err error) {
	err = r.View(ctx, func(tx *Tx) (err error) {
		if b, err = tx.Blob(id); err != nil {
			return err
		}
		if b.Stored == 0 {
			return Errorf(NotFound, SubjectBlob, "no such file")
		}
		return may(tx, b)
	})
	if err != nil {
		return nil, Blob{}, err
	}
	if r.blobs == nil {
		return nil, Blob{}, errors.New("a blob without a state directory")
	}
	f, err = os.Open(r.blobs.path(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Blob{}, Errorf(NotFound, SubjectBlob, "no such file") // removed since the view
	}
	return f, b, diskError(err)
}

// MayOpen decides, by the rule kept with a blob, whether an account may open
// it. NotFound: no; that it exists is not said.
func (tx *Tx) MayOpen(who ID, b Blob) error {
	may := who == b.Owner && !who.IsZero()
	switch b.Rule.Kind {
	case OpenToMembers:
		_, err := tx.Access(who, b.Rule.Room)
		if err != nil && !Is(err, NotFound) && !Is(err, Forbidden) {
			return err
		}
		may = err == nil
	case OpenToAccounts:
		a, err := tx.Account(who)
		if err != nil && !Is(err, NotFound) {
			return err
		}
		may = err == nil && a.Family == b.Family
	case OpenToAnyone:
		may = true
	}
	if !may {
		return Errorf(NotFound, SubjectBlob, "no such file")
	}
	return nil
}

// A BlobURL is what the signature of a blob's address covers.
type BlobURL struct {
	Method  string // GET or PUT
	ID      ID
	Expires Time
	Size    int64  // of a PUT: how many bytes may come
	Type    string // of a PUT
}

const blobURLContext = "blob url"

func (u BlobURL) parts() [][]byte {
	n := binary.BigEndian.AppendUint64(nil, uint64(u.Expires))
	n = binary.BigEndian.AppendUint64(n, uint64(u.Size))
	return [][]byte{[]byte(u.Method), u.ID[:], n, []byte(u.Type)}
}

// SignBlobURL returns the signature that lets whoever has it use a blob as u
// says, until it expires.
func (r *Relay) SignBlobURL(u BlobURL) (Digest, error) { return r.Sign(blobURLContext, u.parts()...) }

// VerifyBlobURL checks a signature by SignBlobURL. Forbidden (blob): it is
// another's, or has expired.
func (r *Relay) VerifyBlobURL(u BlobURL, signature []byte) error {
	if !r.Verify(signature, blobURLContext, u.parts()...) || u.Expires <= r.Now() {
		return Errorf(Forbidden, SubjectBlob, "the address is not valid any more")
	}
	return nil
}
