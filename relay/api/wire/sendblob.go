package wire

import (
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"restante/relay"
)

// shown are the types that a browser may show in place. Everything else is
// saved: what a stranger uploaded never runs under this relay's name. SVG is
// not among them, since it runs scripts.
var shown = []string{
	"image/png", "image/jpeg", "image/gif", "image/webp", "image/avif", "image/bmp",
	"audio/mpeg", "audio/ogg", "audio/wav", "audio/webm", "audio/mp4", "audio/aac", "audio/flac", "audio/opus",
	"video/mp4", "video/webm", "video/ogg", "video/quicktime",
}

// A Download is how the bytes of a blob go out.
type Download struct {
	Type   string        // as its owner said; unknown ones go out as bytes
	Name   string        // for saving; "" for none
	MaxAge time.Duration // how long its reader may keep it; 0: not at all
}

// SendBlob writes the bytes of a blob, or the part of them that was asked for.
// The file is closed. Nothing in them is believed: the type is the family's
// word, and only pictures, sound and video are shown in place.
func SendBlob(w http.ResponseWriter, r *http.Request, f *os.File, b relay.Blob, d Download) {
	defer f.Close()
	head := w.Header()
	kind, _, err := mime.ParseMediaType(d.Type)
	if err != nil || !strings.Contains(kind, "/") {
		kind = "application/octet-stream"
	}
	disposition := "attachment"
	if slices.Contains(shown, kind) {
		disposition = "inline"
	} else if strings.HasPrefix(kind, "text/") || strings.Contains(kind, "xml") || strings.Contains(kind, "script") {
		kind = "application/octet-stream"
	}
	var params map[string]string
	if d.Name != "" {
		params = map[string]string{"filename": d.Name}
	}
	if v := mime.FormatMediaType(disposition, params); v != "" {
		disposition = v
	}
	head.Set("Content-Type", kind)
	head.Set("Content-Disposition", disposition)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	head.Set("Referrer-Policy", "no-referrer")
	head.Set("Cross-Origin-Resource-Policy", "cross-origin")
	cache := "no-store"
	if d.MaxAge > 0 {
		cache = "private, max-age=" + seconds(d.MaxAge)
	}
	head.Set("Cache-Control", cache)
	head.Set("ETag", `"`+b.ID.String()+`"`) // the bytes never change
	http.ServeContent(w, r, "", time.Time{}, f)
}
