package command

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// account asks the running relay about an account, or what is to become of it.
func account(ctx context.Context, e *Env) error {
	do := "show"
	if len(e.Args) > 2 {
		do = e.Args[2]
	}
	if !slices.Contains([]string{"show", "suspend", "restore", "remove", "owner"}, do) {
		return usagef("account: %q is not show, suspend, restore, remove or owner", do)
	}
	q := url.Values{"family": {e.Args[0]}, "name": {e.Args[1]}, "do": {do}}
	answer, err := e.askAdmin(ctx, http.MethodPost, "/account?"+q.Encode())
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(e.Out, answer.Body)
	return err
}

func (r *Running) serveAccount(w http.ResponseWriter, q *http.Request) {
	i := slices.IndexFunc(r.families, func(f wire.Family) bool { return f.Name == q.FormValue("family") })
	if i < 0 {
		http.Error(w, "there is no such family", http.StatusNotFound)
		return
	}
	var text string
	err := r.relay.Update(q.Context(), func(tx *relay.Tx) (err error) {
		text, err = change(tx, r.families[i], q.FormValue("name"), q.FormValue("do"))
		return err
	})
	if err != nil {
		http.Error(w, relay.AsError(err).Error(), http.StatusBadRequest)
		return
	}
	_, _ = fmt.Fprintln(w, text) // the other end has gone
}

// change does to an account what the operator wants, and says what it did.
func change(tx *relay.Tx, f wire.Family, name, do string) (string, error) {
	a, err := findAccount(tx, f, name)
	if err != nil {
		return "", err
	}
	switch do {
	case "suspend":
		return "suspended: it cannot call until it is restored", tx.Suspend(a.ID)
	case "restore":
		return "restored", tx.Unsuspend(a.ID)
	case "remove":
		return "removed", tx.RemoveAccount(a.ID)
	case "owner":
		if f.MakeOwner == nil {
			return "", relay.Errorf(relay.Invalid, relay.SubjectNone, "%s has no owners", f.Name)
		}
		return "owner of this instance", f.MakeOwner(tx, a.ID)
	}
	state := "in use"
	if a.Suspended != 0 {
		state = "suspended"
	}
	signed, err := tx.SignedID(a.ID)
	if err != nil {
		return "", err
	}
	id := a.ID.String()
	return fmt.Sprintf("%s %s, %s, since %s\nelsewhere %s, %s-%s-%s-%s-%s, %s", f.Name, id, state, a.Created.Time().Format(time.DateOnly),
		id[:24], id[:8], id[8:12], id[12:16], id[16:20], id[20:], base64.StdEncoding.EncodeToString(signed[:])), nil
}

// findAccount finds an account by the name its family knows it by, or by its id.
func findAccount(tx *relay.Tx, f wire.Family, name string) (relay.Account, error) {
	if id, ok := relay.ParseID(name); ok {
		a, err := tx.Account(id)
		if err == nil && a.Family == f.Name {
			return a, nil
		}
	}
	if f.FindAccount == nil {
		return relay.Account{}, relay.Errorf(relay.NotFound, relay.SubjectAccount, "no such user")
	}
	return f.FindAccount(tx, name)
}
