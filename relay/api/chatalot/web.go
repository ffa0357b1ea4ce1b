package chatalot

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"restante/relay"
	"restante/relay/api/wire"
)

// webOps are the rows of the web client's files.
func (a *api) webOps() []wire.Op {
	if a.o.Web == "" {
		return nil
	}
	return []wire.Op{
		wire.Row("GET /*path", wire.Anyone, wire.Raw(a.webFile), "the web client's files, where a directory of them is given"),
	}
}

const unknownVersion = "unknown"

// clientVersion returns the version of the web client in a directory, as its
// version.json says. A client that hears of another version than its own loads
// itself anew, and again, so where there is none it hears of none.
func clientVersion(dir string) string {
	if dir == "" {
		return unknownVersion
	}
	b, err := os.ReadFile(filepath.Join(dir, "version.json"))
	var v struct {
		Version string `json:"version"`
	}
	if err != nil || json.Unmarshal(b, &v) != nil || v.Version == "" {
		return unknownVersion
	}
	return v.Version
}

// webTypes are the types of the files of a web client by their extension: the
// machine's own table may say anything.
var webTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8", ".json": "application/json", ".map": "application/json", ".webmanifest": "application/manifest+json",
	".wasm": "application/wasm", ".txt": "text/plain; charset=utf-8", ".xml": "application/xml",
	".svg": typeSVG, ".png": typePNG, ".jpg": typeJPEG, ".jpeg": typeJPEG, ".gif": typeGIF, ".webp": typeWebP, ".avif": "image/avif",
	".ico": "image/x-icon", ".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf",
	".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wav": "audio/wav", ".mp4": "video/mp4", ".webm": "video/webm",
}

// webFile sends a file of the web client. A path that names none is one of the
// client's own pages: index.html.
func (a *api) webFile(c *wire.Call, w http.ResponseWriter, r *http.Request) error {
	if isAPI(r.URL.Path) {
		return a.nowhere(c, w)
	}
	root, err := os.OpenRoot(a.o.Web)
	if err != nil {
		return errors.New("the directory of the web client cannot be opened")
	}
	defer root.Close()
	name := webName(r.URL.Path)
	f, info, err := openWeb(root, name)
	if err != nil {
		name = "index.html"
		if f, info, err = openWeb(root, name); err != nil {
			return noPage()
		}
	}
	defer f.Close()
	kind := webTypes[strings.ToLower(path.Ext(name))]
	w.Header().Set("Content-Type", cmp.Or(kind, typeOpaque))
	w.Header().Set("Cache-Control", webCache(name))
	http.ServeContent(w, r, "", info.ModTime(), f)
	return nil
}

// isAPI reports whether a path is the API's and not the web client's.
func isAPI(p string) bool { return p == "/api" || strings.HasPrefix(p, "/api/") || p == "/ws" }

// nowhere answers a request to the API that no row serves but this one for all
// paths.
func (a *api) nowhere(c *wire.Call, w http.ResponseWriter) error {
	allowed := a.methods(c.Request().URL.Path)
	if len(allowed) == 0 {
		return noPage()
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(http.StatusMethodNotAllowed)
	_, _ = w.Write(wire.MustEncode(newError("method not allowed", "method_not_allowed"))) // whoever is gone does not care
	return nil
}

// methods returns the methods that a path has rows for, but for the row of all
// paths.
func (a *api) methods(p string) (list []string) {
	segs := strings.Split(p, "/")
	for _, op := range a.ops() {
		method, row, ok := strings.Cut(op.Name, " ")
		if ok && !strings.HasPrefix(row, "/*") && alike(strings.Split(row, "/"), segs) && !slices.Contains(list, method) {
			list = append(list, method)
		}
	}
	slices.Sort(list)
	return list
}

// alike reports whether a path is one of a row's.
func alike(row, path []string) bool {
	return slices.EqualFunc(row, path, func(r, p string) bool { return r == p || strings.HasPrefix(r, ":") && p != "" })
}

func noPage() error { return relay.Errorf(relay.NotFound, relay.SubjectNone, "not found") }

// webName returns the file that a path names.
func webName(p string) string {
	switch name := strings.TrimPrefix(path.Clean("/"+p), "/"); name {
	case "":
		return "index.html"
	case "favicon.ico":
		return "favicon.png"
	default:
		return name
	}
}

// openWeb opens a file, if it is one and neither it nor what it lies in is
// hidden. Nothing outside the directory is opened, by links neither.
func openWeb(root *os.Root, name string) (*os.File, fs.FileInfo, error) {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return nil, nil, fs.ErrNotExist
		}
	}
	f, err := root.Open(filepath.FromSlash(name))
	if err != nil {
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fs.ErrNotExist
	}
	if err != nil {
		f.Close()
		return nil, nil, err
	}
	return f, info, nil
}

// webCache says how long a file may be kept: those with a hash in their name for
// ever.
func webCache(name string) string {
	switch {
	case name == "sw.js":
		return "no-store"
	case strings.HasPrefix(name, "_app/immutable/"):
		return "public, max-age=31536000, immutable"
	}
	return "no-cache"
}
