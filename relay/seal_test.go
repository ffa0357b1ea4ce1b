package relay_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"restante/relay"
	"restante/relay/relaytest"
)

// reopen runs fn on a relay over dir, and closes it.
func reopen(t *testing.T, dir string, fn func(t *testing.T, r *relay.Relay)) {
	t.Helper()
	t.Run("open", func(t *testing.T) { fn(t, relaytest.Open(t, dir, relay.Options{})) })
}

func TestRelay_Seal(t *testing.T) {
	dir := t.TempDir()
	plain := []byte("a second factor's secret")
	var sealed []byte
	reopen(t, dir, func(t *testing.T, r *relay.Relay) {
		var err error
		if sealed, err = r.Seal("totp", plain); err != nil {
			t.Fatal(err)
		}
		again, err := r.Seal("totp", plain)
		if err != nil || bytes.Equal(sealed, again) || bytes.Contains(sealed, plain) || len(sealed) != len(plain)+29 {
			t.Errorf("sealed as %x and %x, %v", sealed, again, err)
		}
	})
	reopen(t, dir, func(t *testing.T, r *relay.Relay) {
		if got, err := r.Unseal("totp", sealed); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("got %q, %v", got, err)
		}
		_, err := r.Unseal("other", sealed)
		wantCode(t, "another context", err, relay.Invalid, relay.SubjectNone)
		for i := range sealed {
			changed := bytes.Clone(sealed)
			changed[i] ^= 1
			if _, err := r.Unseal("totp", changed); !relay.Is(err, relay.Invalid) {
				t.Errorf("byte %d changed: %v", i, err)
			}
		}
		_, err = r.Unseal("totp", nil)
		wantCode(t, "nothing", err, relay.Invalid, relay.SubjectNone)
	})
	if _, err := relaytest.New(t, relay.Options{}).Unseal("totp", sealed); !relay.Is(err, relay.Invalid) {
		t.Errorf("another key opens it: %v", err)
	}
}

func TestRelay_Seal_KeyFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	reopen(t, dir, func(*testing.T, *relay.Relay) {})
	was, err := os.ReadFile(path)
	if err != nil || len(was) != 32 {
		t.Fatalf("%d bytes, %v", len(was), err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	reopen(t, dir, func(*testing.T, *relay.Relay) {})
	is, _ := os.ReadFile(path)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || !bytes.Equal(was, is) {
		t.Errorf("mode %v, same %v, %v", info.Mode(), bytes.Equal(was, is), err)
	}
	if err := os.WriteFile(path, was[:31], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := relay.New(nil, relay.Options{Dir: dir}); err == nil {
		t.Error("a cut key file was taken")
	}
}

func TestRelay_Sign(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	sign := func(context string, parts ...string) relay.Digest {
		t.Helper()
		d, err := r.Sign(context, raw(parts)...)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	sig := sign("c", "ab", "c")
	for _, d := range []relay.Digest{sign("c", "a", "bc"), sign("c", "abc"), sign("d", "ab", "c"), sign("c", "ab", "c", "")} {
		if d == sig {
			t.Error("two lists of parts share a signature")
		}
	}
	for _, c := range []struct {
		name string
		sig  []byte
		want bool
	}{
		{"whole", sig[:], true},
		{"shortest", sig[:relay.MinSignature], true},
		{"too short", sig[:relay.MinSignature-1], false},
		{"too long", append(bytes.Clone(sig[:]), 0), false},
		{"none", nil, false},
		{"another", append([]byte{sig[0] ^ 1}, sig[1:]...), false},
	} {
		if got := r.Verify(c.sig, "c", raw([]string{"ab", "c"})...); got != c.want {
			t.Errorf("%s: got %v", c.name, got)
		}
	}
}

func raw(parts []string) (bs [][]byte) {
	for _, p := range parts {
		bs = append(bs, []byte(p))
	}
	return bs
}
