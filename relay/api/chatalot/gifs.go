package chatalot

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"restante/relay"
	"restante/relay/api/wire"
)

// Bounds of asking for GIFs.
const (
	maxGifs       = 50 // of one page
	maxGifQuery   = 256
	gifsFor       = 5 * time.Minute
	maxGifPages   = 200 // remembered
	maxGifAnswer  = 2 << 20
	gifTimeout    = 10 * time.Second
	defaultGifs   = 20
	gifRating     = "g"
	gifSearch     = "/v1/gifs/search"
	gifTrending   = "/v1/gifs/trending"
	maxGifsOffset = 4999 // as far as the other side goes
)

// gifOps are the rows of the GIF proxy.
func (a *api) gifOps() []wire.Op {
	return []wire.Op{
		wire.Row("GET /api/gifs/search", wire.User, wire.Free(a.searchGifs), "GIFs for a word, asked of Giphy; off unless configured").NamesNobody(),
		wire.Row("GET /api/gifs/trending", wire.User, wire.Free(a.trendingGifs), "those that are liked now").NamesNobody(),
	}
}

// gifOut is a Gif, gifPage a GifPage.
type gifOut struct {
	ID         string `json:"id"`
	Title      string `json:"title"`
	PreviewURL string `json:"preview_url"`
	URL        string `json:"url"`
	Width      int    `json:"width"`
	Height     int    `json:"height"`
}

type gifPage struct {
	Results []gifOut `json:"results"`
	Next    nullable `json:"next"`
}

func (a *api) searchGifs(c *wire.Call, _ *relay.Relay, _ wire.None) (gifPage, error) {
	q := c.Query("q")
	if a.o.GiphyKey != "" && (q == "" || len(q) > maxGifQuery) {
		return gifPage{Results: []gifOut{}}, nil
	}
	return a.gifs(c, gifSearch, url.Values{"q": {q}})
}

func (a *api) trendingGifs(c *wire.Call, _ *relay.Relay, _ wire.None) (gifPage, error) {
	return a.gifs(c, gifTrending, url.Values{})
}

// gifs asks for a page of GIFs, unless it is remembered.
func (a *api) gifs(c *wire.Call, path string, q url.Values) (gifPage, error) {
	if a.o.GiphyKey == "" {
		return gifPage{}, bad("GIF search is off on this server")
	}
	limit, err := queryInt(c, "limit", defaultGifs, 1, maxGifs)
	if err != nil {
		return gifPage{}, err
	}
	pos, err := queryInt(c, "pos", 0, 0, maxGifsOffset)
	if err != nil {
		return gifPage{}, err
	}
	q.Set("limit", strconv.Itoa(limit))
	q.Set("offset", strconv.Itoa(pos))
	q.Set("rating", gifRating)
	asked, now := path+"?"+q.Encode(), c.Service.Relay.Now()
	if page, ok := a.gifPages.get(asked, now); ok {
		return page, nil
	}
	if err := often(a.limits.fetches, c.Who.Account, "too many searches"); err != nil {
		return gifPage{}, err
	}
	q.Set("api_key", a.o.GiphyKey)
	page, err := askGiphy(c.Context(), c.Service.Outgoing, a.o.GiphyURL+path+"?"+q.Encode())
	if err != nil {
		return gifPage{}, err
	}
	a.gifPages.put(asked, page, now.Add(gifsFor))
	return page, nil
}

// giphyAnswer is what is read of Giphy's answer, whose numbers are strings.
type giphyAnswer struct {
	Data []struct {
		ID     string `json:"id"`
		Title  string `json:"title"`
		Images struct {
			Original giphyImage `json:"original"`
			Small    giphyImage `json:"fixed_width_small"`
		} `json:"images"`
	} `json:"data"`
	Pagination struct {
		Total  int `json:"total_count"`
		Count  int `json:"count"`
		Offset int `json:"offset"`
	} `json:"pagination"`
}

type giphyImage struct {
	URL    string `json:"url"`
	Width  string `json:"width"`
	Height string `json:"height"`
}

// errGiphy: the other side failed, which is ours to tell the operator and an
// internal error to the caller. It never says the key.
var errGiphy = errors.New("asking for GIFs failed")

func askGiphy(ctx context.Context, out *wire.Outgoing, address string) (gifPage, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return gifPage{}, errGiphy
	}
	answer, err := out.Do(req, wire.OutgoingLimits{Timeout: gifTimeout, MaxBody: maxGifAnswer})
	if err != nil || answer.Status != http.StatusOK || answer.Cut {
		return gifPage{}, errGiphy
	}
	var got giphyAnswer
	if err := wire.Decode(answer.Body, &got); err != nil {
		return gifPage{}, errGiphy
	}
	page := gifPage{Results: []gifOut{}}
	for _, g := range got.Data[:min(len(got.Data), maxGifs)] {
		w, _ := strconv.Atoi(g.Images.Original.Width) // 0 where it does not say
		h, _ := strconv.Atoi(g.Images.Original.Height)
		page.Results = append(page.Results, gifOut{g.ID, g.Title, g.Images.Small.URL, g.Images.Original.URL, w, h})
	}
	if next := got.Pagination.Offset + got.Pagination.Count; got.Pagination.Count > 0 && next < got.Pagination.Total {
		page.Next = nullable(strconv.Itoa(next))
	}
	return page, nil
}
