package chatalot

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// Bounds of looking at a page (sheet 9.13).
const (
	maxPreviewURL  = 2048
	previewTimeout = 10 * time.Second
	maxPreviewPage = 512_000 // bytes that are read
	previewFor     = time.Hour
	maxPreviews    = 1000 // remembered
	previewHops    = 3
)

// previewOps are the rows of link previews.
func (a *api) previewOps() []wire.Op {
	return []wire.Op{
		wire.Row("POST /api/link-preview", wire.User, wire.Free(a.postPreview), "what a page says of itself; off unless configured").NamesNobody(),
		wire.Row("GET /api/link-preview", wire.User, wire.Free(a.getPreview), "the same").NamesNobody(),
	}
}

type previewIn struct {
	URL string `json:"url"`
}

func (a *api) postPreview(c *wire.Call, _ *relay.Relay, in previewIn) (previewOut, error) {
	return a.preview(c, in.URL)
}

func (a *api) getPreview(c *wire.Call, _ *relay.Relay, _ wire.None) (previewOut, error) {
	return a.preview(c, c.Query("url"))
}

// preview fetches a page for the caller and reads what it says of itself.
func (a *api) preview(c *wire.Call, asked string) (previewOut, error) {
	u, err := checkPage(asked)
	switch {
	case err != nil:
		return previewOut{}, err
	case !a.o.LinkPreviews:
		return previewOut{}, bad("link previews are off on this server")
	}
	now := c.Service.Relay.Now()
	if p, ok := a.previews.get(asked, now); ok {
		return p, nil
	}
	if err := often(a.limits.fetches, c.Who.Account, "too many link previews"); err != nil {
		return previewOut{}, err
	}
	p, err := fetchPreview(c.Context(), c.Service.Outgoing, asked, u)
	if err != nil {
		return previewOut{}, bad("the page cannot be reached")
	}
	a.previews.put(asked, p, now.Add(previewFor))
	return p, nil
}

// checkPage reads the address of a page. Names that mean the operator's own
// network are refused here; what a name stands for when it is dialled.
func checkPage(asked string) (*url.URL, error) {
	if len(asked) == 0 || len(asked) > maxPreviewURL {
		return nil, bad("url must be 1 to %d characters", maxPreviewURL)
	}
	u, err := url.Parse(asked)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
		return nil, bad("url must be one of the web")
	}
	host := strings.TrimSuffix(strings.ToLower(u.Hostname()), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal") {
		return nil, bad("url must be one of the web")
	}
	return u, nil
}

// fetchPreview asks for a page. One that is no HTML says nothing, which is no
// error.
func fetchPreview(ctx context.Context, out *wire.Outgoing, asked string, u *url.URL) (previewOut, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return previewOut{}, err
	}
	req.Header.Set("User-Agent", "ChatalotBot/1.0 (link preview)")
	req.Header.Set("Accept", "text/html")
	answer, err := out.Do(req, wire.OutgoingLimits{Timeout: previewTimeout, MaxBody: maxPreviewPage, Redirects: previewHops})
	if err != nil {
		return previewOut{}, err
	}
	if answer.Status != http.StatusOK {
		return previewOut{}, bad("status %d", answer.Status)
	}
	if kind, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type")); err != nil || kind != "text/html" {
		return previewOut{URL: asked}, nil
	}
	return readPreview(asked, answer.URL, answer.Body), nil
}
