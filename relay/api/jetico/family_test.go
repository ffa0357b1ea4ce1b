package jetico

import (
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"restante/relay"
	"restante/relay/api/wire"
	"restante/relay/api/wire/wiretest"
)

// configured returns the family as a story's settings ask for it, and teaches
// the stories to begin with users who are registered.
func configured(s *wiretest.Settings) wire.Family {
	s.Do("user", func(r *relay.Relay, words ...string) (string, error) { return enroll(r, true, words...) })
	s.Do("keyless", func(r *relay.Relay, words ...string) (string, error) { return enroll(r, false, words...) })
	s.Do("suspend", suspend)
	crossing(s)
	return Family(Options{
		Closed:        s.String("registration", "open") == "closed",
		SupportID:     s.String("support", ""),
		Requests:      s.Int("requests-here", 0),
		MaxApps:       s.Int("apps", 0),
		MaxFile:       int64(s.Int("max-file", 0)),
		FileQuota:     int64(s.Int("file-quota", 0)),
		MaxAvatar:     int64(s.Int("max-avatar", 0)),
		ReportsToFlag: s.Int("reports", 0),
		AuthWithin:    s.Duration("auth-within", 0),
		HistoryAll:    s.String("history", "") == "all",
		PlainEvents:   s.String("events", "") == "plain",
		OpenDownloads: s.String("downloads", "") == "open",
	})
}

// enroll makes a user of a phone number with applications of the given uuids,
// as registration does, and returns the userId. A user with keys has the public
// key "key of <number>".
func enroll(r *relay.Relay, keys bool, words ...string) (string, error) {
	userID := hashPhone(words[0])
	a := &api{o: Options{}.withDefaults()}
	return userID, r.Update(context.Background(), func(tx *relay.Tx) error {
		acc, err := accountOf(tx, userID)
		if err != nil {
			return err
		}
		for _, app := range words[1:] {
			p := &pendingApp{Standin: newUUID(), Info: appInfo{Type: "android"}, Created: tx.Wall()}
			if err := a.admitApp(tx, acc, secretOf(userID, app), p); err != nil {
				return err
			}
		}
		if !keys {
			return nil
		}
		nick := "nick of " + words[0]
		return keyRings.Put(tx, acc.ID, &keyRing{
			Owner: acc.ID, Public: "key of " + words[0], Private: "private", Meta: "meta",
			Pair: newUUID(), Nick: &nick, Updated: relay.Time(tx.Now()),
		})
	})
}

// suspend has the operator suspend a user, or take that back.
func suspend(r *relay.Relay, words ...string) (string, error) {
	return "", r.Update(context.Background(), func(tx *relay.Tx) error {
		acc, err := tx.FindLogin(family, relay.Login{Kind: loginKind, Folded: words[0]})
		if err != nil {
			return err
		}
		if len(words) > 1 {
			return tx.Unsuspend(acc.ID)
		}
		return tx.Suspend(acc.ID)
	})
}

func TestTranscripts(t *testing.T) {
	wiretest.RunWith(t, configured, "../../../testdata/jetico")
}

// An example is one of the protocol document's.
type example struct {
	Type         string
	Request      json.RawMessage
	ResponseType string
	Response     json.RawMessage
	Notification string
	Body         json.RawMessage
}

func examples(t testing.TB) (list []example) {
	t.Helper()
	b, err := os.ReadFile("testdata/examples.json")
	if err == nil {
		err = json.Unmarshal(b, &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// The table has exactly the requests of the document.
func TestOps(t *testing.T) {
	var want, got []string
	for _, x := range examples(t) {
		if x.Type != "" && !slices.Contains(want, x.Type) {
			want = append(want, x.Type)
		}
	}
	for _, op := range Family(Options{}).Ops {
		if !strings.Contains(op.Name, " ") {
			got = append(got, op.Name)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(got) != 56 {
		t.Errorf("got %d requests %v\nwant %d %v", len(got), got, len(want), want)
	}
}

// Every description of the document is heard in some story, but for those that
// no client can bring about.
func TestDescriptions(t *testing.T) {
	files, err := filepath.Glob("../../../testdata/jetico/*.txt")
	if err != nil || files == nil {
		t.Fatal(files, err)
	}
	var told strings.Builder
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		told.Write(b)
	}
	for text := range ours {
		if text != errInternal.Text && text != errNotSent.Text && text != noLength.Text && !strings.Contains(told.String(), `"`+text+`"`) {
			t.Errorf("no story has %q", text)
		}
	}
}

// A code that cannot be sent is withdrawn.
func TestRegister_NotSent(t *testing.T) {
	h := build(t, Options{}, relay.Options{}, io.Discard)
	h.svc.Codes = wire.NewCodes("/nowhere/to/be/found")
	p := h.connect()
	in := m{"applicationType": "android", "openUserId": "+35794048714", "userId": exampleMe, "uuid": "app"}
	if f := p.ask("RequestRegisterApplication", in); !strings.Contains(string(f.body), `"sms not sent"`) {
		t.Errorf("got %s", f.body)
	}
	f := p.ask("RequestConfirmRegistration", m{"smsCode": "000000", "userId": exampleMe, "uuid": "app"})
	if !strings.Contains(string(f.body), `"no pending confirmation"`) {
		t.Errorf("got %s", f.body)
	}
}

// An upload says how long it is beforehand.
func TestUpload_NoLength(t *testing.T) {
	h := build(t, Options{}, relay.Options{}, io.Discard)
	h.user(exampleMe, true)
	me := h.join(exampleMe)
	me.create(number(1), number(2), false, nil, nil)
	me.say(number(1), number(2), number(3), true)
	resp := h.http("PUT", "/upload/conversation_"+number(1)+"/"+number(3)+"_x", exampleMe, &stream{left: 10}, -1)
	if resp.StatusCode != 411 {
		t.Errorf("got %s", resp.Status)
	}
}

// The text of a code ends with the token by which Android finds it.
func TestSMSText(t *testing.T) {
	a := &api{o: Options{}.withDefaults()}
	if got := a.smsText("123456", "p1VSyoHQY8a"); got != "Your code is 123456\n\np1VSyoHQY8a" {
		t.Errorf("got %q", got)
	}
	if got := a.smsText("123456", ""); got != "Your code is 123456" {
		t.Errorf("got %q", got)
	}
	a.o.CodeText = strings.Repeat("long ", 30) + "%s"
	if got := a.smsText("123456", "p1VSyoHQY8a"); strings.Contains(got, "p1V") {
		t.Errorf("got %q", got)
	}
}
