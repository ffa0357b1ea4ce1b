package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// errNotRunning is what a command gets that needs a running relay.
var errNotRunning = errors.New("no relay is running")

// askAdmin sends a request to the running relay of the state directory and
// returns the body of its answer, which the caller closes.
func (c Config) askAdmin(ctx context.Context, method, path string) (*http.Response, error) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", c.adminPath())
		}}}
	q, err := http.NewRequestWithContext(ctx, method, "http://restante"+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(q)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("%w in %s", errNotRunning, c.State)
	}
	if err != nil {
		return nil, fmt.Errorf("admin socket: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		defer answer.Body.Close()
		text, err := io.ReadAll(io.LimitReader(answer.Body, 4096))
		if err != nil {
			return nil, fmt.Errorf("admin socket: %w", err)
		}
		return nil, errors.New("the relay says: " + strings.TrimSpace(string(text)))
	}
	return answer, nil
}
