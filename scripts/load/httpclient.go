package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// A client sends written-out requests over one keep-alive connection.
type client interface {
	do(req []byte) ([]byte, error)
	close()
}

// open connects a client of the kind that was asked for: net/http's, which is what a program in Go would use, or the
// lean one of this package. The kind matters to a share of the floor: what the client costs is in both times, so the
// leaner it is, the more a wait for the disk stands out.
func open(kind, addr string) (client, error) {
	if kind == leanClient {
		return dial(addr)
	}
	transport := &http.Transport{MaxConnsPerHost: 1, DisableCompression: true}
	return &httpClient{http.Client{Transport: transport, Timeout: patience}, "http://" + addr}, nil
}

// The kinds of clients.
const (
	leanClient = "lean"
	goClient   = "http"
)

type httpClient struct {
	c    http.Client
	base string
}

func (c *httpClient) close() { c.c.CloseIdleConnections() }

// do sends what request wrote out, and reads its reply whole.
func (c *httpClient) do(req []byte) ([]byte, error) {
	head, body, _ := bytes.Cut(req, []byte("\r\n\r\n"))
	_, rest, _ := strings.Cut(string(head), " ")
	path, _, _ := strings.Cut(rest, " ")
	res, err := c.c.Post(c.base+path, "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, bytes.TrimSpace(answer))
	}
	return answer, err
}
