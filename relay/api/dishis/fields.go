package dishis

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"restante/relay"
	"restante/relay/api/wire"
)

// Limits of fields, in characters unless said otherwise.
const (
	maxUsername    = 64
	maxDevice      = 128
	maxPublicKey   = 8192
	maxName        = 100
	maxDescription = 2000
	maxAddress     = 2048 // of a picture
	maxReaction    = 32   // bytes
	maxWrapped     = 8 << 10
	maxWrappedKeys = 2048
	maxMedia       = 128 // bytes of a media id
	maxAdded       = 256 // members in one call
	maxPage        = 100
)

func missing(field string) error {
	return relay.Errorf(relay.Invalid, relay.SubjectNone, "%s is required", field)
}

func bad(field string) error {
	return relay.Errorf(relay.Invalid, relay.SubjectNone, "%s is invalid", field)
}

// required fails for the first of field and value pairs whose value is empty.
func required(pairs ...string) error {
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			return missing(pairs[i])
		}
	}
	return nil
}

// atMost fails for a value of more than max characters.
func atMost(field, value string, max int) error {
	if len(value) > max && utf8.RuneCountInString(value) > max {
		return bad(field)
	}
	return nil
}

// first returns the first error there is.
func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// named checks what rooms are called and described with.
func named(name, description, avatar, cover string) error {
	return first(
		required("name", strings.TrimSpace(name)), atMost("name", name, maxName),
		atMost("description", description, maxDescription),
		atMost("avatar", avatar, maxAddress), atMost("coverImage", cover, maxAddress),
	)
}

// wrapped checks a map of wrapped keys.
func wrapped(field string, keys map[string]string) error {
	if len(keys) > maxWrappedKeys {
		return bad(field)
	}
	for _, k := range keys {
		if len(k) > maxWrapped {
			return bad(field)
		}
	}
	return nil
}

var kinds = regexp.MustCompile(`^[a-z0-9_-]{1,32}$`)

// messageKind checks a message's type; none is text. Those that are not a
// client's to set are refused.
func messageKind(s string) (string, error) {
	s = cmp.Or(s, "text")
	if !kinds.MatchString(s) || reservedKinds[s] {
		return "", bad("type")
	}
	return s, nil
}

// reservedKinds are set by the relay, or mean something to another family.
var reservedKinds = map[string]bool{
	"system": true, "webhook": true, relay.KindNotice: true,
	"friend_request": true, "friend_response": true, "group_invite": true,
}

// fold is the form in which usernames are compared: the least of what differs
// only in case.
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, s)
}

// page reads limit and before from a request's query. limit over the most is cut.
func page(c *wire.Call, def int) (limit int, before relay.Time, err error) {
	if limit, err = pageSize(c, def); err != nil {
		return 0, 0, err
	}
	if s := c.Query("before"); s != "" {
		var ok bool
		if before, ok = parseTime(s); !ok {
			return 0, 0, bad("before")
		}
		before = max(before, 1) // 0 would mean from the end
	}
	return limit, before, nil
}

func pageSize(c *wire.Call, def int) (int, error) {
	s := c.Query("limit")
	if s == "" {
		return def, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		return 0, bad("limit")
	}
	return min(n, maxPage), nil
}
