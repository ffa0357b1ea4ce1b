package secbot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// maxCursor is the greatest whole number that every JSON reader keeps exactly.
const maxCursor = 1<<53 - 1

// A userIn names the caller of a request that reads.
type userIn struct {
	Object    *string `json:"object"`
	UserID    string  `json:"userId"`
	AuthToken string  `json:"authToken"`
}

func (in userIn) caller() (id, token string) { return in.UserID, in.AuthToken }

func (in userIn) check(object string) error {
	if in.Object != nil && *in.Object != object {
		return wire.BadField("object")
	}
	return required("userId", in.UserID, "authToken", in.AuthToken)
}

// A senderIn names the caller of a request that posts.
type senderIn struct {
	Object     *string `json:"object"`
	FromUserID string  `json:"fromUserId"`
	AuthToken  string  `json:"authToken"`
}

func (in senderIn) caller() (id, token string) { return in.FromUserID, in.AuthToken }

func (in senderIn) check(object string) error {
	if in.Object != nil && *in.Object != object {
		return wire.BadField("object")
	}
	return required("fromUserId", in.FromUserID, "authToken", in.AuthToken)
}

// required checks pairs of a field's name and its value.
func required(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return wire.MissingField(pairs[i])
		}
	}
	return nil
}

// label checks a protocol or algorithm: opaque, 1 to 64 bytes.
func label(name, value string) error {
	if value == "" {
		return wire.MissingField(name)
	}
	if len(value) > 64 {
		return wire.BadField(name)
	}
	return nil
}

// cursor checks a timestamp that a client sent.
func cursor(name string, t int64) error {
	if t < 0 || t > maxCursor {
		return wire.BadField(name)
	}
	return nil
}

// present checks that sealed content is there.
func present(name string, value wire.Sealed) error {
	if len(value) == 0 {
		return wire.MissingField(name)
	}
	return nil
}

// sized refuses sealed content over a limit.
func sized(name string, value wire.Sealed, max int) error {
	if len(value) > max {
		return relay.Errorf(relay.TooLarge, relay.SubjectMessage, "%s too large", name)
	}
	return nil
}
