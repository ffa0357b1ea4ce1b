package chatalot

import (
	"restante/relay"
	"restante/relay/api/wire"
)

// A page is which part of a list is asked for, and how long the list is.
type page struct {
	Total   int `json:"total"`
	Page    int `json:"page"`
	PerPage int `json:"per_page"`
}

// maxPages and countTo bound how far into a list anybody turns, and counts.
const (
	maxPages = 10_000
	countTo  = 100_000
)

// pageQuery reads page and per_page.
func pageQuery(c *wire.Call) (p page, err error) {
	if p.Page, err = queryInt(c, "page", 1, 1, maxPages); err != nil {
		return p, err
	}
	p.PerPage, err = queryInt(c, "per_page", 50, 1, 100)
	return p, err
}

func (p page) offset() int { return (p.Page - 1) * p.PerPage }

// turnTo returns the records of a span from an offset on, and how many the span
// has, counted to countTo.
func turnTo[T any](tx *relay.Tx, rs *relay.Records[T], index string, s relay.Span, offset, limit int) ([]relay.Found[T], int, error) {
	var rows []relay.Found[T]
	total := 0
	for p := range rs.Places(tx, index, s) {
		if total >= offset && len(rows) < limit {
			v, found, err := rs.Get(tx, p.ID)
			if err != nil {
				return nil, 0, err
			}
			if found {
				rows = append(rows, relay.Found[T]{Place: p, Record: v})
			}
		}
		if total++; total >= countTo {
			break
		}
	}
	return rows, total, nil
}

// listAll returns up to limit records of a span.
func listAll[T any](tx *relay.Tx, rs *relay.Records[T], index string, s relay.Span, limit int) (rows []relay.Found[T], err error) {
	s.Limit = limit
	for f, err := range rs.Scan(tx, index, s) {
		if err != nil {
			return nil, err
		}
		rows = append(rows, f)
	}
	return rows, nil
}
