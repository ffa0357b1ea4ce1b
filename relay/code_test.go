package relay_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"restante/relay"
	"restante/relay/relaytest"
)

func TestCodes(t *testing.T) {
	clock := &relaytest.Clock{}
	r := relaytest.New(t, relay.Options{Now: clock.Now})
	ctx := context.Background()
	k := relay.CodeKey{Family: "test", Purpose: "login", Subject: relay.DigestOf([]byte("+1"))}
	other := relay.CodeKey{Family: "test", Purpose: "password", Subject: k.Subject}
	code := func() string {
		t.Helper()
		code, err := r.NewCode(ctx, k, 6, 5*time.Minute)
		if err != nil || len(code) != 6 {
			t.Fatal(code, err)
		}
		return code
	}
	wrong := func(c string) string { return string('0'+(c[0]-'0'+1)%10) + c[1:] }
	try := func(k relay.CodeKey, c string) error { return r.TryCode(ctx, k, c, nil) }

	c := code()
	wantCode(t, "a wrong code", try(k, wrong(c)), relay.Forbidden, relay.SubjectToken)
	wantCode(t, "a code of another purpose", try(other, c), relay.Forbidden, relay.SubjectToken)
	undone := errors.New("undone")
	if err := r.TryCode(ctx, k, c, func(*relay.Tx) error { return undone }); !errors.Is(err, undone) {
		t.Errorf("what comes with the code failed: got %v", err)
	}
	if err := try(k, c); err != nil {
		t.Errorf("the right code: %v", err)
	}
	wantCode(t, "a code used already", try(k, c), relay.Forbidden, relay.SubjectToken)

	c = code()
	for range 5 {
		try(k, wrong(c))
	}
	wantCode(t, "the right code after five wrong ones", try(k, c), relay.Forbidden, relay.SubjectToken)

	c = code()
	clock.Advance(6 * time.Minute)
	wantCode(t, "an old code", try(k, c), relay.Forbidden, relay.SubjectToken)

	c = code()
	if err := r.DropCode(ctx, k); err != nil {
		t.Fatal(err)
	}
	wantCode(t, "a code withdrawn", try(k, c), relay.Forbidden, relay.SubjectToken)

	code() // the fifth today
	_, err := r.NewCode(ctx, k, 6, time.Minute)
	wantCode(t, "the sixth code of a day", err, relay.TooMany, relay.SubjectNone)
	clock.Advance(24 * time.Hour)
	code()
}

// Whoever can name any number of subjects gets no more codes sent to one phone.
func TestCodes_Whose(t *testing.T) {
	r := relaytest.New(t, relay.Options{})
	phone := relay.DigestOf([]byte("+1"))
	for i := range 6 {
		k := relay.CodeKey{Family: "test", Purpose: "login", Subject: relay.DigestOf([]byte{byte(i)}), Whose: phone}
		_, err := r.NewCode(context.Background(), k, 6, time.Minute)
		if i < 5 && err != nil {
			t.Fatal(err)
		}
		if i == 5 {
			wantCode(t, "the sixth code to one phone", err, relay.TooMany, relay.SubjectNone)
		}
	}
	k := relay.CodeKey{Family: "test", Purpose: "login", Subject: phone, Whose: relay.DigestOf([]byte("+2"))}
	if _, err := r.NewCode(context.Background(), k, 6, time.Minute); err != nil {
		t.Errorf("a code to another: %v", err)
	}
}
