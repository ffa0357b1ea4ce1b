package jetico

import (
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"restante/relay"
	"restante/relay/api/wire"
)

// Limits of fields, in bytes where nothing else is said.
const (
	maxBody   = 256 << 10 // of a message
	maxText   = 16 << 10  // of keys, signatures, nicks, titles, contacts
	maxPEM    = 32 << 10
	maxSign   = 4 << 10 // of a signature: each of 500 people gets it in one transaction
	maxNick   = 3 << 10 // of a nick in a conversation: it is kept with the member and with each message
	maxIV     = 1 << 10
	maxWord   = 256 // of vendor, model and the like
	maxToken  = 4 << 10
	maxReason = 1000 // characters
	maxUsers  = 500  // userIds in one request
	maxUUIDs  = 500
	maxCheck  = 5000 // of checkUserList
	maxPage   = 200
)

// Required fields are pointers, so that absent and null differ from empty. Each
// of these says what is wrong with one.

// present checks that a field was sent.
func present[T any](name string, v *T) error {
	if v == nil {
		return wire.MissingField(name)
	}
	return nil
}

func text(name string, v *string, max int) error {
	if v == nil {
		return wire.MissingField(name)
	}
	return textOrNil(name, v, max)
}

func textOrNil(name string, v *string, max int) error {
	if v != nil && len(*v) > max {
		return wire.BadField(name)
	}
	return nil
}

func uuid(name string, v *string) error {
	if v == nil {
		return wire.MissingField(name)
	}
	return uuidOrNil(name, v)
}

func uuidOrNil(name string, v *string) error {
	if v == nil {
		return nil
	}
	if _, ok := foldUUID(*v); !ok {
		return wire.BadField(name)
	}
	return nil
}

// room checks what names a conversation: a uuid, or a room's id as others show
// it.
func room(name string, v *string) error {
	if v == nil {
		return wire.MissingField(name)
	}
	if relay.MayBeID(*v) {
		return nil
	}
	return uuid(name, v)
}

// someone checks what names a user: a userId, or an account's id as others show
// it.
func someone(name string, v *string) error {
	if v == nil {
		return wire.MissingField(name)
	}
	if relay.MayBeID(*v) {
		return nil
	}
	return user(name, v)
}

// user checks a userId of our own.
func user(name string, v *string) error {
	if v == nil {
		return wire.MissingField(name)
	}
	return userOrNil(name, v)
}

func userOrNil(name string, v *string) error {
	if v == nil {
		return nil
	}
	if _, ok := rawUser(*v); !ok {
		return wire.BadField(name)
	}
	return nil
}

func appUUID(name string, v *string) error {
	if v == nil {
		return wire.MissingField(name)
	}
	ok := len(*v) >= 1 && len(*v) <= maxAppUUID
	for i := 0; ok && i < len(*v); i++ {
		ok = (*v)[i] >= 0x20 && (*v)[i] < 0x7f
	}
	if !ok {
		return wire.BadField(name)
	}
	return nil
}

// phone checks a number: a plus and 6 to 15 digits.
func phone(name string, v *string) error {
	if v == nil {
		return wire.MissingField(name)
	}
	s := *v
	ok := len(s) >= 7 && len(s) <= 16 && s[0] == '+'
	for i := 1; ok && i < len(s); i++ {
		ok = s[i] >= '0' && s[i] <= '9'
	}
	if !ok {
		return wire.BadField(name)
	}
	return nil
}

func reason(v *string) error {
	if v == nil {
		return wire.MissingField("reason")
	}
	if utf8.RuneCountInString(*v) > maxReason {
		return wire.BadField("reason")
	}
	return nil
}

// each checks a list of up to max elements.
func each(name string, list *[]string, max int, check func(name string, v *string) error) error {
	if list == nil {
		return wire.MissingField(name)
	}
	if len(*list) > max {
		return wire.BadField(name)
	}
	for i := range *list {
		if check(name, &(*list)[i]) != nil {
			return wire.BadField(name)
		}
	}
	return nil
}

// A userKeys is a map from userIds to the ciphertexts of a key.
type userKeys map[string]string

// UnmarshalJSON keeps the names in an error those of our own fields.
func (m *userKeys) UnmarshalJSON(b []byte) error {
	got := map[string]*string{}
	if err := json.Unmarshal(b, &got); err != nil {
		return err
	}
	*m = userKeys{}
	for id, key := range got {
		if someone("", &id) != nil || text("", key, maxText) != nil {
			return wire.BadField("")
		}
		(*m)[id] = *key
	}
	return nil
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
