package chatalot

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"restante/relay"
	"restante/relay/api/wire"
)

// searchOps are the rows of searching.
func (a *api) searchOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/channels/:id/messages/search", wire.User, wire.Free(searchChannel), "messages of a channel that were not sealed, by their text"),
		wire.Row("GET /api/messages/search", wire.User, wire.Free(searchAll), "the same in all channels of the caller").NamesNobody(),
	}
}

// Bounds of a search. It looks in slices, each in a transaction of its own, from
// the newest message back, and gives out what it has found when it has looked
// at so many.
const (
	searchDefault  = 20
	searchMost     = 50
	searchLooks    = 20_000 // messages looked at for one search
	searchEach     = 500    // of each channel at least
	searchChannels = 200    // channels looked into
)

// A search is what is looked for.
type search struct {
	text          string // folded
	limit         int
	sender        string // part of a name, folded, or a UUID
	before, after relay.Time
	files         bool
	names         map[relay.ID]bool // whether a sender fits, once it is known
}

func wantSearch(c *wire.Call) (s *search, err error) {
	s = &search{text: strings.ToLower(c.Query("q")), sender: strings.ToLower(c.Query("sender")), names: map[relay.ID]bool{}}
	if n := utf8.RuneCountInString(s.text); n < 2 || n > 256 {
		return nil, bad("q must be 2 to 256 characters")
	}
	if s.limit, err = queryInt(c, "limit", searchDefault, 1, searchMost); err != nil {
		return nil, err
	}
	s.files = c.Query("has_file") == "true"
	for name, to := range map[string]*relay.Time{"before": &s.before, "after": &s.after} {
		if v := c.Query(name); v != "" {
			if *to, err = parseMoment(v); err != nil {
				return nil, bad("%s must be an RFC 3339 time", name)
			}
		}
	}
	return s, nil
}

func searchChannel(c *wire.Call, r *relay.Relay, _ wire.None) ([]messageOut, error) {
	id, err := pathID(c, "id")
	if err != nil {
		return nil, err
	}
	err = r.View(c.Context(), func(tx *relay.Tx) error {
		_, err := channelFor(tx, c.Who.Account, id, relay.ToRead)
		return err
	})
	if err != nil {
		return nil, err
	}
	s, err := wantSearch(c)
	if err != nil {
		return nil, err
	}
	return s.in(c.Context(), r, c.Who.Account, []relay.ID{id})
}

func searchAll(c *wire.Call, r *relay.Relay, _ wire.None) ([]messageOut, error) {
	s, err := wantSearch(c)
	if err != nil {
		return nil, err
	}
	var ids []relay.ID
	err = r.View(c.Context(), func(tx *relay.Tx) error {
		ids = nil
		return eachChannel(tx, c.Who.Account, func(acc relay.Access) error {
			if len(ids) < searchChannels {
				ids = append(ids, acc.Room.ID)
			}
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	return s.in(c.Context(), r, c.Who.Account, ids)
}

// in looks into channels, and returns what fits, newest first.
func (s *search) in(ctx context.Context, r *relay.Relay, who relay.ID, channels []relay.ID) ([]messageOut, error) {
	list := []messageOut{}
	for _, id := range channels {
		found, err := s.one(ctx, r, who, id, max(searchLooks/len(channels), searchEach))
		if err != nil {
			return nil, err
		}
		list = append(list, found...)
	}
	slices.SortStableFunc(list, func(a, b messageOut) int { return cmp.Compare(b.CreatedAt, a.CreatedAt) })
	return list[:min(len(list), s.limit)], nil
}

// one looks into one channel, at so many messages at most. Whether the caller is
// in it is asked again with every slice.
func (s *search) one(ctx context.Context, r *relay.Relay, who, channel relay.ID, looks int) (list []messageOut, err error) {
	before := relay.Time(0)
	if s.before != 0 {
		before = s.before + 1
	}
	for more := true; more && looks > 0 && len(list) < s.limit; looks -= slice {
		err := r.View(ctx, func(tx *relay.Tx) error {
			p, err := channelFor(tx, who, channel, relay.ToRead)
			if err != nil {
				more = false
				return silently(err) // left, or closed meanwhile
			}
			acc, err := p.access(tx)
			if err != nil {
				return err
			}
			es, err := tx.Before(relay.Messages, p.Box, before, max(tx.Reading(acc, 0).After+1, s.after), min(slice, looks))
			if err != nil || len(es) == 0 {
				more = false
				return err
			}
			before, more = es[len(es)-1].ID.Time, len(es) == min(slice, looks)
			es = slices.DeleteFunc(es, func(e relay.Entry) bool { return !s.fits(tx, e) })
			outs, err := show(tx).messages(channel, es[:min(len(es), s.limit-len(list))])
			list = append(list, outs...)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

// fits reports whether a message is looked for. Its sender, which costs most, is
// looked at last.
func (s *search) fits(tx *relay.Tx, e relay.Entry) bool {
	return !e.Erased && (!s.files || e.Kind == kindFile) && strings.Contains(plainOf(e), s.text) && s.from(tx, e)
}

// from reports whether a message's sender is the one that is asked for.
func (s *search) from(tx *relay.Tx, e relay.Entry) bool {
	if s.sender == "" {
		return true
	}
	if e.From.IsZero() {
		return false
	}
	fits, known := s.names[e.From]
	if !known {
		_, p, err := stub(tx, e.From)
		fits = err == nil && strings.Contains(fold(p.Username), s.sender) || uuid(e.From).String() == s.sender
		s.names[e.From] = fits
	}
	return fits
}

// plainOf returns the text of a message that was not sealed, folded: a webhook's,
// or one whose bytes are UTF-8 and not the envelope that clients seal in, which
// is a JSON object with "v": 1. Everything else has no text to search.
func plainOf(e relay.Entry) string {
	if !utf8.Valid(e.Body) {
		return ""
	}
	if body := bytes.TrimSpace(e.Body); e.Kind != kindWebhook && len(body) > 0 && body[0] == '{' {
		var envelope struct {
			V json.RawMessage `json:"v"`
		}
		if json.Unmarshal(body, &envelope) == nil && string(envelope.V) == "1" {
			return ""
		}
	}
	return strings.ToLower(string(e.Body))
}
