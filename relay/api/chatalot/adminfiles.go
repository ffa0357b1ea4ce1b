package chatalot

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// adminFileOps are the rows of the administration of files.
func (a *api) adminFileOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/admin/files", wire.User, wire.Free(listFiles), "the files of all users"),
		wire.Row("DELETE /api/admin/files/:id", wire.User, wire.Write(a.adminDeleteFile), "delete a file"),
		wire.Row("POST /api/admin/files/:id/quarantine", wire.User, wire.Write(a.quarantineFile), "keep a file from everybody but administrators"),
		wire.Row("POST /api/admin/files/:id/unquarantine", wire.User, wire.Write(a.unquarantineFile), "give it back"),
		wire.Row("GET /api/admin/storage-stats", wire.User, wire.Free(storageStats), "how much is stored, and whose it is"),
	}
}

// adminFileOut is an AdminFile.
type adminFileOut struct {
	ID            uuid     `json:"id"`
	Uploader      uuid     `json:"uploader_id"`
	Name          string   `json:"encrypted_name"`
	Size          int64    `json:"size_bytes"`
	Type          nullable `json:"content_type"`
	Checksum      string   `json:"checksum"`
	Channel       uuid     `json:"channel_id"`
	QuarantinedAt moment   `json:"quarantined_at"`
	QuarantinedBy uuid     `json:"quarantined_by"`
	CreatedAt     moment   `json:"created_at"`
	Thumbnail     bool     `json:"has_thumbnail"`
}

func newAdminFile(tx *relay.Tx, id relay.ID, f *fileRow) (adminFileOut, error) {
	owner, err := lasting(tx, f.Owner)
	by, err2 := lasting(tx, f.By)
	channel := f.Channel
	if _, err := tx.Room(channel); relay.Is(err, relay.NotFound) {
		channel = relay.ID{}
	}
	return adminFileOut{
		uuid(id), uuid(owner), f.Name, f.Size, nullable(f.Type), hex.EncodeToString(f.Checksum[:]), uuid(channel),
		moment(f.Quarantined), uuid(by), moment(f.Created), !f.Thumb.IsZero(),
	}, firstError(err, err2)
}

// A fileQuery is which files are asked for.
type fileQuery struct {
	page
	index        string
	span         relay.Span
	owner        relay.ID
	search, kind string
	from, to     relay.Time
}

func readFileQuery(c *wire.Call) (q fileQuery, err error) {
	if q.page, err = pageQuery(c); err != nil {
		return q, err
	}
	q.index, q.span = "time", relay.Span{Reverse: true}
	if s := c.Query("user_id"); s != "" {
		var ok bool
		if q.owner, ok = parseID(s); !ok {
			return q, bad("invalid user_id")
		}
		q.index, q.span.Prefix = "owner", q.owner[:]
	}
	switch c.Query("sort") {
	case "", "date":
	case "size":
		q.index, q.span.Prefix = "size", nil
	default:
		return q, bad("sort must be date or size")
	}
	for name, to := range map[string]*relay.Time{"date_from": &q.from, "date_to": &q.to} {
		if s := c.Query(name); s != "" {
			if *to, err = parseMoment(s); err != nil {
				return q, bad("%s must be an RFC 3339 time", name)
			}
		}
	}
	q.search, q.kind = strings.ToLower(c.Query("search")), c.Query("content_type")
	return q, nil
}

// takes reports whether a file is among those asked for.
func (q *fileQuery) takes(f *fileRow) bool {
	return (q.owner.IsZero() || f.Owner == q.owner) &&
		strings.Contains(strings.ToLower(f.Name), q.search) && strings.HasPrefix(f.Type, q.kind) &&
		f.Created >= q.from && (q.to == 0 || f.Created <= q.to)
}

type filePageOut struct {
	Files []adminFileOut `json:"files"`
	page
}

// fileSlice is how many files one View looks at.
const fileSlice = 2000

// eachFile goes through files of an index, a slice at a time, to countTo.
func eachFile(c *wire.Call, r *relay.Relay, index string, span relay.Span, fn func(tx *relay.Tx, id relay.ID, f *fileRow) error) error {
	span.Limit = fileSlice
	for seen, more := 0, true; more && seen < countTo; seen += fileSlice {
		err := r.View(c.Context(), func(tx *relay.Tx) error {
			n := 0
			for f, err := range fileRows.Scan(tx, index, span) {
				if err == nil {
					err = fn(tx, f.ID, f.Record)
				}
				if err != nil {
					return err
				}
				n, span.Past = n+1, f.Place
			}
			more = n == fileSlice
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func listFiles(c *wire.Call, r *relay.Relay, _ wire.None) (out filePageOut, err error) {
	if err := r.View(c.Context(), func(tx *relay.Tx) error { return administers(c, tx) }); err != nil {
		return out, err
	}
	q, err := readFileQuery(c)
	if err != nil {
		return out, err
	}
	out.page, out.Files = q.page, []adminFileOut{}
	err = eachFile(c, r, q.index, q.span, func(tx *relay.Tx, id relay.ID, f *fileRow) error {
		if !q.takes(f) {
			return nil
		}
		if out.Total++; out.Total <= q.offset() || len(out.Files) == q.PerPage {
			return nil
		}
		v, err := newAdminFile(tx, id, f)
		out.Files = append(out.Files, v)
		return err
	})
	return out, err
}

// aboutFile is the metadata of the audit log for something done to a file.
func aboutFile(id relay.ID, f *fileRow) map[string]any {
	return map[string]any{"file_id": uuid(id), "uploader_id": uuid(f.Owner), "checksum": hex.EncodeToString(f.Checksum[:])}
}

// ruledFile finds the file in the path for an administrator.
func ruledFile(c *wire.Call, tx *relay.Tx) (relay.ID, *fileRow, error) {
	id, err := pathID(c, "id")
	if err == nil {
		err = administers(c, tx)
	}
	if err != nil {
		return id, nil, err
	}
	f, found, err := fileRows.Get(tx, id)
	return id, f, firstError(err, missing(found, "file"))
}

func (a *api) adminDeleteFile(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	id, f, err := ruledFile(c, tx)
	if err == nil {
		err = removeFile(tx, id)
	}
	block := queryFlag(c, "block_hashes")
	if err == nil && block {
		_, _, err = blockSum(tx, c.Who.Account, f.Checksum, "auto-blocked via admin deletion")
	}
	if err != nil {
		return wire.None{}, err
	}
	meta := aboutFile(id, f)
	meta["block_hashes"] = block
	return wire.None{}, a.audit(c, tx, c.Who.Account, "admin_delete_file", meta)
}

func (a *api) quarantineFile(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	return wire.None{}, a.holdFile(c, tx, true, "admin_quarantine_file")
}

func (a *api) unquarantineFile(c *wire.Call, tx *relay.Tx, _ wire.None) (wire.None, error) {
	return wire.None{}, a.holdFile(c, tx, false, "admin_unquarantine_file")
}

// holdFile changes whether a file is given out; one that is as it should be is
// not found.
func (a *api) holdFile(c *wire.Call, tx *relay.Tx, hold bool, action string) error {
	id, f, err := ruledFile(c, tx)
	if err == nil && hold == (f.Quarantined != 0) {
		err = missing(false, "file")
	}
	if err != nil {
		return err
	}
	f.Quarantined, f.By = 0, relay.ID{}
	if hold {
		f.Quarantined, f.By = relay.Time(tx.Now()), c.Who.Account
	}
	if err := fileRows.Put(tx, id, f); err != nil {
		return err
	}
	return a.audit(c, tx, c.Who.Account, action, aboutFile(id, f))
}

type userStorageOut struct {
	User  uuid  `json:"user_id"`
	Files int   `json:"file_count"`
	Bytes int64 `json:"total_bytes"`
}

// storageOut are StorageStats.
type storageOut struct {
	Files   int              `json:"total_files"`
	Bytes   int64            `json:"total_bytes"`
	PerUser []userStorageOut `json:"per_user"`
}

func storageStats(c *wire.Call, r *relay.Relay, _ wire.None) (storageOut, error) {
	out := storageOut{PerUser: []userStorageOut{}}
	if err := r.View(c.Context(), func(tx *relay.Tx) error { return administers(c, tx) }); err != nil {
		return out, err
	}
	err := eachFile(c, r, "owner", relay.Span{}, func(_ *relay.Tx, _ relay.ID, f *fileRow) error {
		if n := len(out.PerUser); n == 0 || out.PerUser[n-1].User != uuid(f.Owner) {
			out.PerUser = append(out.PerUser, userStorageOut{User: uuid(f.Owner)})
		}
		u := &out.PerUser[len(out.PerUser)-1]
		u.Files, u.Bytes = u.Files+1, u.Bytes+f.Size
		out.Files, out.Bytes = out.Files+1, out.Bytes+f.Size
		return nil
	})
	slices.SortStableFunc(out.PerUser, func(x, y userStorageOut) int { return cmp.Compare(y.Bytes, x.Bytes) })
	return out, err
}
