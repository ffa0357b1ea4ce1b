package command

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"
)

var inviteSettings = []setting{
	stateSetting,
	local(one("uses", "number", "1", "how many may register with it",
		parseCount, func(c *Config) *int { return &c.Uses })),
	local(one("expires", "duration", "7d", "how long it is good for",
		parseDuration, func(c *Config) *time.Duration { return &c.Expires })),
}

// invite has the running relay make an invite, and prints its code. It is shown
// this once: the relay keeps only its hash.
func invite(ctx context.Context, e *Env) error {
	if e.Expires < time.Second {
		return usagef("--expires: an invite must be good for a second at least")
	}
	answer, err := e.askAdmin(ctx, http.MethodPost, fmt.Sprintf("/invite?uses=%d&expires=%s", e.Uses, e.Expires))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(e.Out, answer.Body)
	return err
}
